from pathlib import Path

import pytest
from support.sound import manifest, record, row, utterance

from fedasr.common.errors import UserError
from fedasr.corpora.checking.corpus import check_distinct
from fedasr.corpora.load import READERS, load_corpus, read_corpus
from fedasr.corpora.text import AS_READ, NORMALISED


def test_kinds_are_read_by_name(tmp_path: Path) -> None:
    record(tmp_path / "a.wav")
    manifest(tmp_path, row("a.wav"))
    (tmp_path / "manifest.csv").write_text("audio_filepath,duration,text,speaker\na.wav,0.5,yes,ann\n")
    assert load_corpus("manifest", tmp_path) == load_corpus("table", tmp_path)
    record(tmp_path / "up" / "0a_nohash_0.wav")
    assert load_corpus("speech-commands", tmp_path)[0].speaker == "0a"


@pytest.mark.parametrize("kind", READERS.known())
def test_an_empty_folder_is_refused_by_each_kind(tmp_path: Path, kind: str) -> None:
    with pytest.raises(UserError, match=r"here; (looked|expected)") as raised:
        load_corpus(kind, tmp_path)
    assert str(tmp_path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_wrong_requests_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"corpus\.kind: there is no .* 'librispeach'; did you mean 'librispeech'"):
        load_corpus("librispeach", tmp_path)
    with pytest.raises(UserError, match="needs a path"):
        load_corpus("manifest", None)
    with pytest.raises(UserError, match="no such file or folder"):
        load_corpus("manifest", tmp_path / "none")
    for path in ("a" * 300, "a\0b"):
        with pytest.raises(UserError, match="no such file or folder"):
            load_corpus("manifest", Path(path))
    with pytest.raises(UserError, match="is not UTF-8"):
        load_corpus("manifest", Path("caf\udce9"))
    with pytest.raises(UserError, match="has no subsets"):
        load_corpus("manifest", tmp_path, subset="train")


def test_utterances_of_no_reader() -> None:
    good = [utterance(0), utterance(1)]
    assert check_distinct(good) == tuple(good)
    with pytest.raises(UserError, match="duplicate id 'ann/1'"):
        check_distinct([*good, utterance(1)])
    with pytest.raises(UserError, match="empty text of 'ann/2'"):
        check_distinct([*good, utterance(2, text=" ")])
    with pytest.raises(UserError, match="empty corpus"):
        check_distinct([])


WRITTEN = "Don’t PANIC, it is 42%!"


@pytest.mark.parametrize("kind", ["manifest", "table"])
def test_texts_are_made_by_a_named_rule_whatever_the_reader(tmp_path: Path, kind: str) -> None:
    record(tmp_path / "a.wav")
    manifest(tmp_path, row("a.wav", text=WRITTEN))
    (tmp_path / "manifest.csv").write_text(f'audio_filepath,duration,text,speaker\na.wav,0.5,"{WRITTEN}",ann\n')
    texts = [read_corpus(kind, tmp_path, text=rule).utterances[0].text for rule in (AS_READ, NORMALISED)]
    assert texts == ["don’t panic, it is 42%!", "don't panic it is 42"]


def test_a_text_of_which_a_rule_leaves_nothing_is_refused_with_its_line(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        record(tmp_path / name)
    manifest(tmp_path, row("a.wav"), row("b.wav", text="… ?!"))
    with pytest.raises(UserError, match=r"manifest\.jsonl:2: empty text"):
        read_corpus("manifest", tmp_path, text=NORMALISED)
    assert len(read_corpus("manifest", tmp_path).utterances) == 2
