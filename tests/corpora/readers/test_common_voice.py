from pathlib import Path

import pytest
from support.corpora import whole
from support.sound import record

from fedasr.common.errors import UserError
from fedasr.corpora.load import load_corpus, read_corpus
from fedasr.corpora.readers.common_voice import read_common_voice

HEADER = "client_id\tpath\tsentence_id\tsentence\tage\tgender\taccents\tlocale"


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    for name in ("one.mp3", "two.mp3"):
        record(tmp_path / "clips" / name, 1.0, 48_000)
    rows = [
        HEADER,
        "c0ffee\tone.mp3\ts1\tDon’t panic -- it's O.K.!\ttwenties\tfemale_feminine\tScottish English\ten",
        "beef\ttwo\ts2\t„Zwölf Äpfel“?\t\t\t\tde",
    ]
    (tmp_path / "validated.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def test_rows_are_utterances(voices: Path) -> None:
    first, second = whole(read_common_voice(voices))
    assert (first.id, first.speaker, first.text) == ("one.mp3", "c0ffee", "don't panic it's o k")
    assert first.fields == {"age": "twenties", "accent": "Scottish English", "locale": "en", "sex": "f"}
    assert first.duration_seconds == pytest.approx(1.0, abs=0.1)
    assert (second.id, second.text, second.fields) == ("two.mp3", "zwölf äpfel", {"locale": "de"})
    assert len(second.audio.read(16_000)) == pytest.approx(16_000, abs=1_600)


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("Zu\u00adsammen\u00adarbeit", "zusammenarbeit"),
        ("foo\u200bbar", "foobar"),
        ("\u0dc1\u0dca\u200d\u0dbb\u0dd3", "\u0dc1\u0dca\u200d\u0dbb\u0dd3"),
        ("\u200ehello\u200f", "hello"),
    ],
)
def test_invisible_characters_do_not_cut_words(voices: Path, sentence: str, text: str) -> None:
    (voices / "validated.tsv").write_text(f"{HEADER}\nx\ttwo.mp3\ts\t{sentence}\t\t\t\txx\n", encoding="utf-8")
    (found,) = load_corpus("common-voice", voices)
    assert found.text == text
    assert len(found.text.split()) == 1


def test_a_subset_is_a_table(voices: Path) -> None:
    (voices / "dev.tsv").write_text(f"{HEADER}\nx\ttwo.mp3\ts\tyes\t\t\t\ten\n")
    assert [u.speaker for u in whole(read_common_voice(voices, "dev"))] == ["x"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("client_id\tpath\n", "no column 'sentence'; found: client_id, path"),
        (f"{HEADER}\nx\ttwo.mp3\n", r"validated\.tsv:2: 2 cells, but 8 columns"),
        (f"{HEADER}\nx\ttwo.mp3\ts\t?!\t\t\t\ten\n", r"validated\.tsv:2: empty text"),
        (f"{HEADER}\nx\tsix.mp3\ts\tyes\t\t\t\ten\n", r"six\.mp3: no such audio file"),
        ("", "no column 'client_id'; found: none"),
    ],
)
def test_bad_tables_are_named(voices: Path, content: str, message: str) -> None:
    (voices / "validated.tsv").write_text(content)
    with pytest.raises(UserError, match=message):
        whole(read_common_voice(voices))


def test_what_is_missing_is_named(voices: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"looked for .*train\.tsv and the folder .*clips"):
        whole(read_common_voice(voices, "train"))
    with pytest.raises(UserError, match="no Common Voice here"):
        whole(read_common_voice(tmp_path / "clips"))


def _table(folder: Path, sentences: list[str], encoding: str = "utf-8", end: str = "\n") -> Path:
    rows = [f"spk{n}\t{n}.wav\ts\t{sentence}\t\t\t\ten" for n, sentence in enumerate(sentences)]
    for number in range(len(sentences)):
        record(folder / "clips" / f"{number}.wav", 0.1)
    (folder / "validated.tsv").write_bytes((end.join([HEADER, *rows]) + end).encode(encoding))
    return folder


@pytest.mark.parametrize(("encoding", "end"), [("utf-8", "\n"), ("utf-8-sig", "\r\n"), ("utf-8", "\r")])
def test_a_quotation_mark_joins_no_rows(tmp_path: Path, encoding: str, end: str) -> None:
    said = [
        "he left at noon",
        '"Well," said the man. "I will go',
        "Nobody saw him",
        "the door was shut",
        'she said no"',
    ]
    found = load_corpus("common-voice", _table(tmp_path, said, encoding, end))
    assert [u.text for u in found] == [
        "he left at noon", "well said the man i will go", "nobody saw him", "the door was shut", "she said no",
    ]  # fmt: skip


def test_a_sentence_may_be_longer_than_a_cell_of_csv_may_be(tmp_path: Path) -> None:
    (found,) = load_corpus("common-voice", _table(tmp_path, ["word " * 50_000]))
    assert len(found.text) == 249_999


def test_all_bad_rows_are_named_at_once(tmp_path: Path) -> None:
    path = _table(tmp_path, ["one", "two", "three", "?!", "five", "six"]) / "validated.tsv"
    (tmp_path / "clips" / "1.wav").write_bytes(b"")
    (tmp_path / "clips" / "2.wav").unlink()
    (tmp_path / "clips" / "5.wav").write_bytes(b"this is no audio")
    with pytest.raises(UserError) as raised:
        load_corpus("common-voice", tmp_path)
    *lines, last = raised.value.lines
    assert [line.split(": ")[0] for line in lines] == [f"{path}:{row}" for row in (3, 4, 5, 7)]
    assert "4 of 6 entries cannot be used" in last
    left = read_corpus("common-voice", tmp_path, faulty="leave out")
    assert [u.text for u in left.utterances] == ["one", "five"]
