import errno
import logging
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.corpora import whole
from support.sound import Samples, manifest, noise, record, row, utterance

from fedasr.asr.features import FeatureSpec, LogMel
from fedasr.common.errors import UserError
from fedasr.corpora.connected import connect
from fedasr.corpora.features import extract
from fedasr.corpora.features.sources import describe, restore
from fedasr.corpora.features.store import cache_folder, open_speech, prepare
from fedasr.corpora.readers.manifest import read_manifest

RATE_HZ = 16_000


@dataclass
class Frames:
    """Features that are the samples themselves, eight a frame."""

    calls: int = 0

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        self.calls += 1
        return samples[: len(samples) // 8 * 8].reshape(-1, 8).astype(np.float16)


def _prepare(utterances, folder: Path, extractor=None, digest: str = "frames", **more):
    return prepare(utterances, extractor or Frames(), digest, folder, RATE_HZ, **more)


def test_features_are_those_of_the_extractor(tmp_path: Path) -> None:
    utterances = [utterance(i, seconds=0.2 + i / 100) for i in range(5)]
    speech = _prepare(utterances, tmp_path)
    for index, given in enumerate(utterances):
        expected = Frames()(given.audio.read(RATE_HZ))
        np.testing.assert_array_equal(speech.features(index), expected)
        assert speech.features(index).dtype == np.float16
        assert speech.frames(index) == len(expected)
        assert not speech.features(index).flags.writeable


def test_true_durations_are_filled_in(tmp_path: Path) -> None:
    given = [replace(utterance(i), duration_seconds=0.0) for i in range(3)]
    speech = _prepare(given, tmp_path)
    assert speech.seconds == pytest.approx(0.9)
    found = [replace(u, duration_seconds=0.0, audio=g.audio) for u, g in zip(speech.utterances, given, strict=True)]
    assert found == given


def test_a_second_time_nothing_is_computed(tmp_path: Path) -> None:
    utterances, extractor, steps = [utterance(i) for i in range(4)], Frames(), []
    first = _prepare(utterances, tmp_path, extractor, progress=lambda *step: steps.append(step))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    again = _prepare(utterances, tmp_path, extractor)
    assert extractor.calls == 4
    assert again.utterances == first.utterances
    np.testing.assert_array_equal(again.features(3), first.features(3))


@pytest.mark.parametrize("change", ["id", "speaker", "text", "audio", "fields", "digest"])
def test_each_change_is_another_corpus(tmp_path: Path, change: str) -> None:
    first = _prepare([utterance(0)], tmp_path)
    changed = {"id": "x", "speaker": "x", "text": "x", "audio": Samples(9), "fields": {"sex": "m"}}
    other = utterance(0) if change == "digest" else replace(utterance(0), **{change: changed[change]})
    second = _prepare([other], tmp_path, digest="other" if change == "digest" else "frames")
    assert first.store.folder != second.store.folder


def test_a_changed_file_is_computed_again(tmp_path: Path) -> None:
    def build() -> np.ndarray:
        return np.array(_prepare(whole(read_manifest(tmp_path)), tmp_path / "cache").features(0))

    audio = record(tmp_path / "a.wav", seed=1)
    os.utime(audio, (1e9, 1e9))
    manifest(tmp_path, row("a.wav"))
    first = build()
    assert "a.wav" in (tmp_path / "cache" / "fingerprints.json").read_text()
    np.testing.assert_array_equal(build(), first)
    record(audio, seed=2)
    os.utime(audio, (1e9 + 1, 1e9 + 1))
    assert not np.array_equal(build(), first)


def test_unchanged_files_are_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audio = record(tmp_path / "a.wav")
    os.utime(audio, (1e9, 1e9))
    manifest(tmp_path, row("a.wav"))
    _prepare(whole(read_manifest(tmp_path)), tmp_path / "cache")
    monkeypatch.setattr("fedasr.corpora.audio.AudioFile.content_hash", lambda self: pytest.fail("hashed again"))
    _prepare(whole(read_manifest(tmp_path)), tmp_path / "cache")


def test_the_folder_alone_is_enough(tmp_path: Path) -> None:
    record(tmp_path / "a.wav")
    manifest(tmp_path, row("a.wav", sex="f"))
    utterances = (*whole(read_manifest(tmp_path)), utterance(3))
    speech = _prepare(utterances, tmp_path / "cache")
    opened = open_speech(speech.store.folder)
    assert [(u.id, u.speaker, u.text, u.duration_seconds, u.fields) for u in opened.utterances] == [
        (u.id, u.speaker, u.text, u.duration_seconds, u.fields) for u in speech.utterances
    ]
    np.testing.assert_array_equal(opened.features(1), speech.features(1))
    np.testing.assert_array_equal(opened.utterances[0].audio.read(RATE_HZ), utterances[0].audio.read(RATE_HZ))
    with pytest.raises(UserError, match="not audio of kind Samples"):
        opened.utterances[1].audio.read(RATE_HZ)
    assert opened.utterances[1].audio.fingerprint() == utterances[1].audio.fingerprint()


def test_synthetic_and_joined_audio_are_restored() -> None:
    pytest.importorskip("espeakng_loader", reason="synthetic speech needs the extra 'synth'")
    from fedasr.corpora.synthetic import synthetic_corpus

    (joined,) = connect(synthetic_corpus(speakers=1, utterances_per_speaker=2), seed=0)
    assert restore(describe(joined.audio)) == joined.audio


def test_the_store_crosses_as_a_path(tmp_path: Path) -> None:
    speech = _prepare([utterance(i, seconds=5.0) for i in range(4)], tmp_path)
    pickled = pickle.dumps(speech.store)
    assert len(pickled) < 1_000 < (speech.store.folder / "features.bin").stat().st_size
    np.testing.assert_array_equal(pickle.loads(pickled).features(2), speech.features(2))


def test_the_bits_do_not_depend_on_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "FEWEST_UTTERANCES_A_WORKER", 20)
    spec = FeatureSpec()
    utterances = [utterance(i, seconds=0.1 + i / 1000) for i in range(80)]
    steps: list[int] = []
    one = prepare(utterances, LogMel(spec), spec.digest, tmp_path / "1", RATE_HZ)
    two = prepare(
        utterances,
        LogMel(spec),
        spec.digest,
        tmp_path / "2",
        RATE_HZ,
        2,
        lambda done, all_: steps.append(done),
    )
    assert steps == list(range(1, 81))
    for name in ("features.bin", "index.jsonl"):
        assert (one.store.folder / name).read_bytes() == (two.store.folder / name).read_bytes()


def test_what_is_done_to_files_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    record(tmp_path / "a.wav", rate_hz=8_000)
    record(tmp_path / "b.wav", rate_hz=8_000, channels=2, seed=1)
    record(tmp_path / "c.wav", seed=2)
    manifest(tmp_path, row("a.wav"), row("b.wav"), row("c.wav"))
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.INFO, logger="fedasr"):
            _prepare(whole(read_manifest(tmp_path)), tmp_path / "cache")
        assert [r.getMessage() for r in caplog.records] == [
            "2 audio files resampled from 8000 Hz to 16000 Hz",
            "1 audio files mixed down to one channel",
        ]


def test_what_is_lost_is_said_once_with_a_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    left = noise(0.5)
    for name, sound in (("a", [left, -left]), ("b", [left, -left]), ("c", [0 * left]), ("d", [left])):
        soundfile.write(tmp_path / f"{name}.wav", np.concatenate(sound, axis=1), RATE_HZ)
    manifest(tmp_path, *(row(f"{name}.wav") for name in "abcd"))
    with caplog.at_level(logging.WARNING, logger="fedasr"):
        _prepare(whole(read_manifest(tmp_path)), tmp_path / "cache")
    assert [r.getMessage() for r in caplog.records] == [
        f"2 audio files whose channels cancel: the loudest is taken; the first is {tmp_path / 'a.wav'}",
        f"1 audio files silent throughout; the first is {tmp_path / 'c.wav'}",
    ]


def test_an_error_leaves_nothing_behind(tmp_path: Path) -> None:
    record(tmp_path / "a.wav")
    manifest(tmp_path, row("a.wav"))
    (found,) = whole(read_manifest(tmp_path))
    content = found.audio.path.read_bytes()
    found.audio.path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"a\.wav: truncated"):
        _prepare([utterance(0), found], tmp_path / "cache")
    assert list((tmp_path / "cache" / "features").iterdir()) == []


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    class Full(Frames):
        def __call__(self, samples: np.ndarray) -> np.ndarray:
            if self.calls == 2:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().__call__(samples)

    with pytest.raises(UserError, match=r"disk is full; .* 500 utterances need about 4\.8 MB") as raised:
        _prepare([utterance(i) for i in range(500)], tmp_path, Full())
    assert str(raised.value).startswith(f"{tmp_path}: ")
    assert list((tmp_path / "features").iterdir()) == []


def test_a_cache_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file: cannot write the cache.*FEDASR_CACHE"):
        _prepare([utterance(0)], tmp_path / "file")


def test_a_damaged_folder_is_built_again(tmp_path: Path) -> None:
    folder = _prepare([utterance(0)], tmp_path).store.folder
    whole = (folder / "features.bin").read_bytes()
    (folder / "features.bin").write_bytes(whole[:-2])
    with pytest.raises(UserError, match="not a complete folder"):
        open_speech(folder)
    assert _prepare([utterance(0)], tmp_path).store.folder == folder
    assert (folder / "features.bin").read_bytes() == whole


@pytest.mark.parametrize("name", ["meta.json", "columns/sha256.json"])
@pytest.mark.parametrize("content", ['[{"frames": 1, "id": 2}]', "7", "[]"])
def test_another_files_json_in_place_of_an_object_is_damage(name: str, content: str, tmp_path: Path) -> None:
    folder = _prepare([utterance(0)], tmp_path).store.folder
    whole = (folder / name).read_bytes()
    (folder / name).write_text(content)
    assert _prepare([utterance(0)], tmp_path).store.folder == folder
    assert (folder / name).read_bytes() == whole


SLOW = """
import sys, time
from pathlib import Path
from support.sound import utterance
from corpora.features.test_store import Frames, _prepare
def progress(done, total):
    print(done, flush=True)
    time.sleep(60)
_prepare([utterance(i) for i in range(4)], Path(sys.argv[1]), progress=progress)
"""


def test_a_killed_build_is_not_taken_for_complete(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parents[2])])}
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, str(tmp_path)], stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        process.send_signal(signal.SIGKILL)
    (left,) = (tmp_path / "features").iterdir()
    extractor = Frames()
    speech = _prepare([utterance(i) for i in range(4)], tmp_path, extractor)
    assert extractor.calls == 4
    assert left.exists()
    for path in (*left.iterdir(), left):
        os.utime(path, (time.time() - 90_000,) * 2)
    _prepare([utterance(9)], tmp_path)
    assert not left.exists()
    assert speech.store.folder.exists()


def test_the_slower_of_two_builds_gives_way(tmp_path: Path) -> None:
    utterances = [utterance(i) for i in range(3)]
    faster = []

    def progress(done: int, total: int) -> None:
        if done == 2 and not faster:
            faster.append(_prepare(utterances, tmp_path))

    slower = _prepare(utterances, tmp_path, progress=progress)
    assert slower.store.folder == faster[0].store.folder
    assert list((tmp_path / "features").iterdir()) == [slower.store.folder]


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FEDASR_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("FEDASR_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "fedasr"


def test_real_speech_is_prepared(speech_data: Callable[[str], Path], tmp_path: Path) -> None:
    spec = FeatureSpec()
    utterances = connect(whole(read_manifest(speech_data("fsdd")))[::50], seed=0)
    speech = prepare(utterances, LogMel(spec), spec.digest, tmp_path, spec.sample_rate_hz)
    assert speech.seconds == pytest.approx(sum(u.duration_seconds for u in utterances), abs=0.05)
    for index in range(len(speech)):
        assert speech.features(index).shape == (speech.frames(index), spec.mels)
        assert np.isfinite(speech.features(index)).all()
        assert speech.frames(index) == pytest.approx(100 * speech.utterances[index].duration_seconds, abs=2)
