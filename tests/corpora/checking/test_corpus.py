"""One check finds all that is wrong with a corpus, says where it stands, and counts it."""

import math
from pathlib import Path

import pytest
from support.sound import manifest, record, row, utterance

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.checking.corpus import LEAVE_OUT, check_corpus
from fedasr.corpora.faults import Entry, Fault
from fedasr.corpora.load import load_corpus, read_corpus
from fedasr.corpora.utterance import Utterance


def _spoken(path: Path, **changes: object) -> Utterance:
    values = {"id": path.name, "speaker": "ann", "text": "yes", "duration_seconds": math.nan, "where": "list:1"}
    return Utterance(**{**values, "audio": AudioFile(path), **changes})  # type: ignore[arg-type]


def _refused(*entries: Entry) -> list[str]:
    with pytest.raises(UserError) as raised:
        check_corpus(entries, "c")
    return list(raised.value.lines)


def test_a_length_that_no_reader_knew_is_the_audio_s(tmp_path: Path) -> None:
    (found,) = check_corpus([_spoken(record(tmp_path / "a.wav", 0.75))]).utterances
    assert found.duration_seconds == 0.75


def test_all_faults_are_told_at_once_and_counted(tmp_path: Path) -> None:
    record(tmp_path / "a.wav")
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("no audio")
    path = manifest(
        tmp_path, row("a.wav"), row("none.wav"), "{", row("empty.wav"), row("text.wav"), row("b.wav", text=" "),
        row("a.wav", id="again"),
    )  # fmt: skip
    with pytest.raises(UserError) as raised:
        load_corpus("manifest", path)
    *lines, last = raised.value.lines
    assert [line.split(": ")[0] for line in lines] == [f"{path}:{number}" for number in range(2, 8)]
    assert last.startswith(f"{path}: 6 of 7 entries cannot be used (3 unusable audio, ")


def test_at_most_twenty_lines_are_told_and_all_are_counted() -> None:
    faults = [Fault(f"list:{n}", "wrong", "odd" if n % 2 else "even") for n in range(25)]
    lines = _refused(utterance(0), *faults)
    assert lines[:20] == [f"list:{n}: wrong" for n in range(20)]
    assert len(lines) == 21
    assert lines[20].startswith("c: 25 of 26 entries cannot be used (13 even, 12 odd)")


def test_what_cannot_be_used_is_left_out_and_told(tmp_path: Path) -> None:
    record(tmp_path / "a.wav", 0.5)
    path = manifest(tmp_path, row("a.wav"), row("none.wav"), "{")
    found = read_corpus("manifest", path, faulty=LEAVE_OUT)
    assert [u.id for u in found.utterances] == ["a.wav"]
    assert [fault.where for fault in found.summary.left_out] == [f"{path}:2", f"{path}:3"]
    assert found.summary.reasons == {"unusable audio": 1, "not JSON": 1}
    assert (found.summary.utterances, found.summary.speakers, found.summary.seconds) == (1, 1, 0.5)


def test_a_corpus_of_faults_alone_is_refused_even_if_they_may_be_left_out() -> None:
    with pytest.raises(UserError, match="list:1: wrong"):
        check_corpus([Fault("list:1", "wrong", "odd")], faulty=LEAVE_OUT)
    with pytest.raises(UserError, match="empty corpus"):
        check_corpus([], faulty=LEAVE_OUT)


def test_one_person_in_two_normal_forms_is_one_speaker(tmp_path: Path) -> None:
    entries = [utterance(0, speaker="Jose\u0301"), utterance(1, speaker="Jos\u00e9")]
    found = check_corpus(entries)
    assert [u.speaker for u in found.utterances] == ["José", "José"]
    assert found.summary.speakers == 1


def test_ids_that_look_alike_are_twice_there() -> None:
    first, second = utterance(0, speaker="Jos\u00e9"), utterance(0, speaker="Jose\u0301")
    (line,) = _refused(first, second)
    assert "duplicate id" in line


@pytest.mark.parametrize("part", ["text", "speaker", "id", "note"])
def test_half_a_character_is_refused_wherever_it_stands(tmp_path: Path, part: str) -> None:
    path = manifest(tmp_path, row(record(tmp_path / "a.wav").name, **{part: "so \ud83d"}))
    with pytest.raises(UserError, match=rf"^{path}:1: {part} holds half a character \(U\+D83D\)") as raised:
        load_corpus("manifest", path)
    assert str(raised.value).isascii()


def test_a_file_name_that_is_not_utf8_is_told_so_that_it_can_be_found(tmp_path: Path) -> None:
    path = manifest(tmp_path, row("caf\udce9.flac"))
    with pytest.raises(UserError, match=rf"^{path}:1: the file name '.*caf\\udce9\.flac' is not UTF-8; rename"):
        load_corpus("manifest", path)


@pytest.mark.parametrize("name", ["{}/x/../a.wav", "a.wav", "./a.wav"])
def test_the_same_file_by_another_name_is_a_duplicate(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio = record(tmp_path / "a.wav")
    monkeypatch.chdir(tmp_path)
    (line,) = _refused(_spoken(audio), _spoken(Path(name.format(tmp_path)), id="b", where="list:2"))
    assert line.startswith("list:2: duplicate audio")


def test_each_file_is_opened_once_and_counted_on_the_way(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    entries = [_spoken(record(tmp_path / f"{n}.wav", 0.1, seed=n)) for n in range(3)]
    check_corpus(entries, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (3, 3)


@pytest.mark.parametrize(
    ("rate_hz", "off", "is_good"), [(8_000, 0.25, True), (8_000, 0.45, False), (48_000, 0.2, False)]
)
def test_the_length_of_mp3_may_be_off_by_what_its_coder_adds(
    tmp_path: Path, rate_hz: int, off: float, is_good: bool
) -> None:
    audio = record(tmp_path / "a.mp3", 1.0, rate_hz)
    real = AudioFile(audio).inspect().seconds
    entries = [_spoken(audio, duration_seconds=real - off)]
    if is_good:
        assert check_corpus(entries).utterances[0].duration_seconds == real
    else:
        assert "the audio is" in _refused(*entries)[0]


@pytest.mark.parametrize("name", ["caf\udce9.wav", "a\0b.wav"])
def test_messages_can_be_printed_whatever_a_file_is_called(tmp_path: Path, name: str) -> None:
    fault = Fault(str(tmp_path / name), f"no transcript of '{name}'; write it", "without text")
    for line in (*_refused(fault), *_refused(_spoken(tmp_path / name))):
        assert line.isprintable()


def test_the_path_of_an_entry_that_is_a_file_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "none.wav"
    (line,) = _refused(_spoken(path, where=str(path)))
    assert line.count(str(path)) == 1
