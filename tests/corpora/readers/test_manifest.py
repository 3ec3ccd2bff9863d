import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from support.corpora import whole
from support.sound import manifest, record, row

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.load import load_corpus
from fedasr.corpora.readers.manifest import read_manifest, write_manifest
from fedasr.corpora.text import canonical, normal_text


def test_a_line_is_an_utterance(tmp_path: Path) -> None:
    record(tmp_path / "audio" / "a.wav")
    manifest(tmp_path, "", row("audio/a.wav", text="  Yes\tNO ", sex="f", age=31, native=True, note=None))
    (found,) = whole(read_manifest(tmp_path))
    assert (found.id, found.speaker, found.text) == ("audio/a.wav", "ann", "yes no")
    assert found.duration_seconds == 0.5
    assert found.fields == {"sex": "f", "age": "31", "native": "true"}
    assert found.audio == AudioFile(tmp_path / "audio" / "a.wav")


def test_path_may_be_the_file_and_audio_absolute(tmp_path: Path) -> None:
    audio = record(tmp_path / "elsewhere" / "a.wav")
    (found,) = whole(read_manifest(manifest(tmp_path, row(str(audio), id="first"))))
    assert found.id == "first"
    assert found.audio == AudioFile(audio)


def test_scoring_needs_neither_speaker_nor_duration(tmp_path: Path) -> None:
    record(tmp_path / "a.wav", 0.75)
    path = manifest(tmp_path, row("a.wav", speaker=..., duration=...))
    (found,) = whole(read_manifest(path, require_speaker=False))
    assert (found.speaker, found.duration_seconds) == ("a.wav", 0.75)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ('{"text": "a", "text": "b"}', "the key 'text' is there twice"),
        (row("b" * 300 + ".wav"), "the path|the name"),
        ("[1]", "not a JSON object"),
        (row("b.wav", text=...), "no 'text'"),
        (row("b.wav", audio_filepath=...), "no 'audio_filepath'"),
        (row("b.wav", duration=...), "no 'duration'"),
        (row("b.wav", speaker=...), "no 'speaker'; say who speaks"),
        (row("b.wav", speaker=" "), "empty 'speaker'"),
        (row("b.wav", speaker=["ann"]), "'speaker' must be a string"),
        (row("b.wav", text=7), "'text' must be a string, not 7"),
        (row("b.wav", text=" \t"), "empty text"),
        (row("b.wav", duration="0.5"), "'duration' must be a number"),
        (row("b.wav", duration=True), "'duration' must be a number"),
        (row("b.wav", duration=0), "'duration' must be a positive number of seconds, not 0"),
        (row("b.wav", duration=10**400), "'duration' must be a positive number of seconds, not 1000"),
        (row("b.wav", duration=float("nan")), "'duration' must be a positive number of seconds, not nan"),
        (row("b.wav", duration=0.7), "'duration' says 0.7 s but .* is 0.500 s"),
        (row("b.wav", offset="0"), "'offset' must be a number"),
        (row("b.wav", offset=-0.1), "'offset' must be a positive number of seconds, not -0.1"),
        (row("b.wav", offset=0.3), "'offset', 'duration': .* does not lie in the file of 0.500 s"),
        (row("a.wav"), "duplicate id 'a.wav', first at .*manifest.jsonl:1"),
        (row("./a.wav"), "duplicate audio"),
        (row("b.wav", id="a.wav"), "duplicate id"),
        (row("none.wav"), "no such audio file"),
        (row("short.wav", duration=0.01), "10 ms of audio"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, line, message: str) -> None:
    for name, seconds in (("a.wav", 0.5), ("b.wav", 0.5), ("short.wav", 0.01)):
        record(tmp_path / name, seconds)
    path = manifest(tmp_path, row("a.wav"), line)
    with pytest.raises(UserError, match=message) as raised:
        whole(read_manifest(path))
    assert str(raised.value).startswith(f"{path}:2: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_manifest_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.jsonl").write_bytes(content)
    with pytest.raises(UserError, match="empty manifest"):
        whole(read_manifest(tmp_path))


def test_absent_and_unreadable_manifests_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no manifest here.*manifest\.jsonl"):
        whole(read_manifest(tmp_path))
    (tmp_path / "manifest.jsonl").write_bytes(b'{"text": "\xff"}')
    with pytest.raises(UserError, match="not UTF-8"):
        whole(read_manifest(tmp_path))


@pytest.mark.parametrize("declared", [0.41, 0.59])
def test_a_tenth_of_a_second_is_rounding_and_the_audio_counts(tmp_path: Path, declared: float) -> None:
    record(tmp_path / "a.wav", 0.5)
    assert whole(read_manifest(manifest(tmp_path, row("a.wav", duration=declared))))[0].duration_seconds == 0.5


def test_lines_with_an_offset_are_parts_of_a_file(tmp_path: Path) -> None:
    audio = record(tmp_path / "long.wav", 1.5, 8_000)
    samples, _ = soundfile.read(audio, dtype="float32")
    rows = [row("long.wav", offset=offset, duration=0.5) for offset in (0, 0.25, 1.0)]
    found = load_corpus("manifest", manifest(tmp_path, *rows))
    assert [u.id for u in found] == ["long.wav-0-500", "long.wav-250-750", "long.wav-1000-1500"]
    assert [u.duration_seconds for u in found] == [0.5] * 3
    for utterance, first in zip(found, (0, 2_000, 8_000), strict=True):
        np.testing.assert_array_equal(utterance.audio.read(8_000), samples[first : first + 4_000])


def test_the_same_part_twice_is_refused_unless_it_differs(tmp_path: Path) -> None:
    record(tmp_path / "long.wav", 1.5)
    part = row("long.wav", offset=0.1)
    assert len(load_corpus("manifest", manifest(tmp_path, part, row("long.wav", offset=0.2)))) == 2
    with pytest.raises(UserError, match=r":2: duplicate audio"):
        load_corpus("manifest", manifest(tmp_path, part, {**part, "id": "other"}))


def test_a_part_without_duration_lasts_to_the_end_of_the_file(tmp_path: Path) -> None:
    record(tmp_path / "long.wav", 1.5)
    path = manifest(tmp_path, row("long.wav", offset=1.1, duration=..., speaker=...))
    (found,) = whole(read_manifest(path, require_speaker=False))
    assert (found.id, found.duration_seconds) == ("long.wav-1100-", pytest.approx(0.4))


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda text: canonical(text) != ""
)


@given(text=words, speaker=words, note=words)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, text, speaker, note) -> None:
    folder = tmp_path_factory.mktemp("manifest")
    record(folder / "a.wav", 0.1)
    write_manifest(folder / "manifest.jsonl", [row("a.wav", duration=0.1, text=text, speaker=speaker, note=note)])
    (found,) = whole(read_manifest(folder))
    assert found.text == normal_text(text)
    assert (found.speaker, found.fields["note"]) == (canonical(speaker), unicodedata.normalize("NFC", note))
    assert [path.name for path in folder.iterdir() if path.name != "a.wav"] == ["manifest.jsonl"]


def test_a_failed_write_keeps_the_old_manifest(tmp_path: Path) -> None:
    path = manifest(tmp_path, row("a.wav"))
    with pytest.raises(TypeError):
        write_manifest(path, [row("b.wav"), {"text": object()}])
    assert json.loads(path.read_text())["audio_filepath"] == "a.wav"
    assert list(tmp_path.iterdir()) == [path]


def test_of_real_speech_the_headers_are_read_and_each_once(
    speech_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = soundfile.SoundFile

    class Watched(real):  # type: ignore[misc,valid-type]
        def __init__(self, file: object, *others: object, **more: object) -> None:
            opened.append(str(file))
            super().__init__(file, *others, **more)

        def read(self, frames: int = -1, **others: object) -> np.ndarray:
            assert frames == 1, "but for the last, which shows that the file is whole, samples are not read here"
            return super().read(frames, **others)

    monkeypatch.setattr(soundfile, "SoundFile", Watched)
    utterances = whole(read_manifest(speech_data("an4")))
    assert len(opened) == len({utterance.audio.fingerprint() for utterance in utterances})
    assert len(utterances) == 948
    assert len({utterance.speaker for utterance in utterances}) == 74
    assert {utterance.fields["sex"] for utterance in utterances} == {"f", "m"}
