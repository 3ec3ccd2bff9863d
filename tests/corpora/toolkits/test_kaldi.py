import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.corpora import read_or_refused
from support.sound import record

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.faults import Fault
from fedasr.corpora.load import load_corpus
from fedasr.corpora.toolkits.kaldi import read_kaldi
from fedasr.corpora.utterance import Utterance

WAVS = "a wav/a.wav\nb wav/b.wav\n"


def folder(path: Path, **files: str | bytes) -> Path:
    """Write a data folder of two recordings; what is named is other than usual, ``_`` for the dot in a name."""
    usual = {"wav.scp": WAVS, "text": "a ONE  Two\nb three\n", "utt2spk": "a ann\nb bob\n"}
    path.mkdir(parents=True, exist_ok=True)
    for name, content in {**usual, **{name.replace("_", "."): content for name, content in files.items()}}.items():
        (path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    for number, name in enumerate(("a", "b")):
        record(path / f"wav/{name}.wav", 0.5, seed=number)
    return path


def faults(path: Path) -> list[Fault]:
    return [entry for entry in read_kaldi(path) if isinstance(entry, Fault)]


def utterances(path: Path) -> list[Utterance]:
    return [entry for entry in read_kaldi(path) if isinstance(entry, Utterance)]


def test_each_recording_is_an_utterance_where_there_are_no_segments(tmp_path: Path) -> None:
    found = load_corpus("kaldi", folder(tmp_path, spk2gender="ann f\nbob m\n"))
    assert [(u.id, u.speaker, u.text, u.fields) for u in found] == [
        ("a", "ann", "one two", {"sex": "f"}), ("b", "bob", "three", {"sex": "m"}),
    ]  # fmt: skip
    assert [u.duration_seconds for u in found] == [0.5, 0.5]
    assert [u.audio for u in found] == [AudioFile(tmp_path / "wav/a.wav"), AudioFile(tmp_path / "wav/b.wav")]


def test_the_gender_is_that_of_the_utterance_or_of_its_speaker(tmp_path: Path) -> None:
    found = load_corpus("kaldi", folder(tmp_path, spk2gender="ann f\nbob f\n", utt2gender="b M\n"))
    assert [u.fields for u in found] == [{"sex": "f"}, {"sex": "m"}]


def test_segments_are_parts_of_recordings_and_minus_one_is_the_end(tmp_path: Path) -> None:
    path = folder(
        tmp_path, segments="a-2 a 0.25 -1\na-1 a 0.0 0.25\nb-1 b 0 0.5\n", reco2dur="b 0.5\n",
        text="a-1 one\na-2 two\nb-1 three\n", utt2spk="a-1 ann\na-2 ann\nb-1 bob\n",
    )  # fmt: skip
    found = load_corpus("kaldi", path)
    assert [(u.id, u.text, u.duration_seconds) for u in found] == [
        ("a-2", "two", 0.25), ("a-1", "one", 0.25), ("b-1", "three", 0.5),
    ]  # fmt: skip
    whole = AudioFile(tmp_path / "wav/a.wav").read(16_000).tolist()
    assert found[1].audio.read(16_000).tolist() + found[0].audio.read(16_000).tolist() == whole
    assert found[2].audio == AudioFile(tmp_path / "wav/b.wav")


def test_the_fourth_word_of_a_segment_is_a_channel(tmp_path: Path) -> None:
    path = folder(tmp_path, segments="a a 0 0.5 0\nb a 0 0.5 1\n")
    stereo = record(tmp_path / "wav/a.wav", 0.5, channels=2)
    found = load_corpus("kaldi", path)
    assert [u.audio for u in found] == [AudioFile(stereo, 0.0, 0.5, channel) for channel in (0, 1)]


def test_a_subset_is_one_of_several_data_folders(tmp_path: Path) -> None:
    folder(tmp_path / "train")
    folder(tmp_path / "test", wav_scp="b wav/b.wav\n", text="b three\n")
    assert [u.id for u in load_corpus("kaldi", tmp_path, subset="test")] == ["b"]
    with pytest.raises(UserError, match=r"say corpus\.subset, one of: test, train"):
        load_corpus("kaldi", tmp_path)
    with pytest.raises(UserError, match="no data folder 'trian'; did you mean 'train'"):
        load_corpus("kaldi", tmp_path, subset="trian")
    with pytest.raises(UserError, match=r"no data folder of Kaldi's here; looked for .*wav\.scp; correct corpus\.path"):
        load_corpus("kaldi", tmp_path / "train/wav")


def test_paths_are_sought_from_the_folder_and_then_from_those_above_it(tmp_path: Path) -> None:
    path = folder(tmp_path / "data/train", wav_scp="a wav/a.wav\nb far/b.wav\n")
    far = record(tmp_path / "far/b.wav")
    assert [u.audio for u in utterances(path)] == [AudioFile(path / "wav/a.wav"), AudioFile(far)]


def test_the_last_place_is_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder(tmp_path / "data/train", wav_scp="a wav/a.wav\nb far/b.wav\n")
    far = record(tmp_path / "work/far/b.wav")
    monkeypatch.chdir(tmp_path / "work")
    assert utterances(path)[1].audio == AudioFile(far)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("flac -c -d -s a.flac |", "is a command, which is not run"),
        ("touch hacked|", "is a command, which is not run"),
        ("raw/wav.ark:1234", "a place in an archive"),
        ("raw/wav.ark:7[0:3]", "a place in an archive"),
        ("-", "a place in an archive or a stream"),
        ("", "names no audio file"),
    ],
)
def test_what_is_no_file_is_a_fault_and_is_not_run(tmp_path: Path, entry: str, told: str) -> None:
    path = folder(tmp_path, wav_scp=f"a {entry}\nb wav/b.wav\n")
    assert [(fault.where, told in fault.reason) for fault in faults(path)] == [(f"{path / 'wav.scp'}:1", True)]
    assert [u.id for u in utterances(path)] == ["b"]
    assert not list(tmp_path.rglob("hacked"))
    with pytest.raises(UserError) as refusal:
        load_corpus("kaldi", path)
    assert len(refusal.value.lines) == 1


def test_a_name_that_no_file_can_have_is_refused_in_a_line(tmp_path: Path) -> None:
    for name in ("x" * 300, "x\0y"):
        path = folder(tmp_path, wav_scp=f"a {name}\nb wav/b.wav\n")
        assert [len(read_or_refused("kaldi", path)[part]) for part in (0, 1)] == [0, 1]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"text": "a one\n"}, ["wav.scp:2: text has no line of 'b'"]),
        ({"utt2spk": "b bob\n"}, ["wav.scp:1: utt2spk has no line of 'a'"]),
        ({"text": "a one\nb three\nc four\n"}, ["text: 'c' has no audio"]),
        ({"text": "a one\nb three\nb four\n"}, ["wav.scp:2", "text:3: a second line of 'b'"]),
        ({"text": b"a caf\xe9\nb three\n"}, ["wav.scp:1", "text:1: not UTF-8"]),
        ({"wav_scp": b"a \xe9.wav\nb wav/b.wav\n"}, ["wav.scp:1: not UTF-8"]),
        ({"segments": "a a 0.1\nb b 0 0.5\n"}, ["segments:1: not a segment"]),
        ({"segments": "a a zero 0.5\nb b 0 0.5\n"}, ["segments:1: 'zero 0.5' must be seconds"]),
        ({"segments": "a a 0.4 0.2\nb b 0 0.5\n"}, ["segments:1: a segment from 0.4 s to 0.2 s"]),
        ({"segments": "a a nan 0.2\nb b 0 0.5\n"}, ["segments:1: a segment from nan s"]),
        ({"segments": "a a 0 inf\nb b 0 0.5\n"}, ["segments:1: a segment from 0 s to inf s"]),
        ({"segments": "a c 0 0.5\nb b 0 0.5\n"}, ["segments:1: wav.scp has no line of 'c'"]),
        ({"reco2dur": "a long\n"}, ["wav.scp:1: reco2dur says 'long' of 'a'"]),
    ],
)
def test_an_entry_that_cannot_be_used_is_one_fault(tmp_path: Path, files: dict[str, str], told: list[str]) -> None:
    (fault,) = faults(folder(tmp_path, **files))
    assert all(part in str(fault) for part in told), fault


def test_a_stated_duration_that_the_audio_has_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"wav\.scp:2: 'duration' says 3 s"):
        load_corpus("kaldi", folder(tmp_path, reco2dur="a 0.5\nb 3\n"))


def test_a_segment_beyond_the_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"segments:2: .*b\.wav"):
        load_corpus("kaldi", folder(tmp_path, segments="a a 0 0.5\nb b 0.25 1.5\n"))


def test_words_end_at_spaces_and_tabs_alone_and_lines_at_line_feeds(tmp_path: Path) -> None:
    text = "\ufeffa\tdix\u00a0mille pas\r\n\r\nb  \u3042\u3000\u3044\u2028\u3046 \r\n"
    told = {u.id: u.text for u in utterances(folder(tmp_path, text=text, utt2spk="a ann\r\nb bob\r\n"))}
    assert told == {"a": "dix mille pas", "b": "\u3042 \u3044 \u3046"}


def test_no_file_is_opened_by_the_reader(tmp_path: Path) -> None:
    found = utterances(folder(tmp_path, wav_scp="a none.wav\nb nothing.wav\n"))
    assert [u.audio for u in found] == [AudioFile(tmp_path / "none.wav"), AudioFile(tmp_path / "nothing.wav")]
    assert all(math.isnan(u.duration_seconds) for u in found)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    (folder(tmp_path) / "utt2spk").unlink()
    with pytest.raises(UserError, match="utt2spk: cannot read"):
        load_corpus("kaldi", tmp_path)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["wav.scp", "text", "utt2spk", "segments", "reco2dur", "spk2gender"]),
    st.integers(0, 40),
    st.binary(max_size=3),
)
def test_whatever_stands_in_a_file_it_is_read_or_refused_in_lines(
    tmp_path: Path, name: str, at: int, put: bytes
) -> None:
    path = folder(tmp_path, segments="a a 0 0.25\nb b 0.25 0.5\n", reco2dur="a 0.5\n", spk2gender="ann f\n")
    content = (path / name).read_bytes()
    (path / name).write_bytes(content[:at] + put + content[at + 1 :])
    found, lines = read_or_refused("kaldi", path)
    assert len(found) > 0 or 1 <= len(lines) <= 5
    for utterance in found:
        assert len(utterance.audio.read(16_000)) == pytest.approx(16_000 * utterance.duration_seconds, abs=1)
        assert utterance.text.strip()
        assert utterance.speaker.strip()
