"""Speech at other speeds: what it sounds like, and where its features are kept."""

import logging
import os
import pickle
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from support.corpora import whole
from support.sound import manifest, record, row, utterance

from fedasr.asr.features import FeatureSpec, LogMel
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.features.sources import describe, restore
from fedasr.corpora.features.store import open_speech, prepare
from fedasr.corpora.readers.manifest import read_manifest
from fedasr.corpora.sped import SpedAudio, sped_copies
from fedasr.corpora.speech import Speech
from fedasr.corpora.stores.joined import joined

RATE_HZ = 16_000
SPEC = FeatureSpec(mels=8)
SPEEDS = (0.9, 1.0, 1.1)


@dataclass(frozen=True)
class Tone:
    """A sine of one second, rendered at any rate."""

    hertz: float

    def read(self, sample_rate_hz: int) -> np.ndarray:
        return np.sin(2 * np.pi * self.hertz * np.arange(sample_rate_hz) / sample_rate_hz).astype(np.float32)

    def fingerprint(self) -> str:
        return f"tone {self.hertz}"


def _peak_hertz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 16 * RATE_HZ))
    return float(spectrum.argmax()) / 16


@given(speed=st.floats(0.5, 2.0), hertz=st.floats(100, 3_000))
def test_a_tone_is_shorter_and_higher_by_the_speed(speed: float, hertz: float) -> None:
    samples = SpedAudio(Tone(hertz), speed).read(RATE_HZ)
    assert abs(len(samples) - RATE_HZ / speed) <= 0.5
    # The rate is rounded to 0.5 in at least 8,000 Hz, and the spectrum is read in steps of 1/16 Hz.
    assert abs(_peak_hertz(samples) - hertz * speed) <= hertz * speed * 0.5 / 8_000 + 1 / 16


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_a_recording_of_400_hz_at_speed_1_1_is_one_of_440_hz(rate_hz: int, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", 0.5 * Tone(400).read(rate_hz), rate_hz)
    samples = SpedAudio(AudioFile(tmp_path / "a.wav"), 1.1).read(RATE_HZ)
    assert abs(len(samples) - RATE_HZ / 1.1) <= 1
    assert _peak_hertz(samples) == pytest.approx(440, abs=0.1)


def test_what_was_done_to_a_recording_is_said_of_the_original_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    record(tmp_path / "a.wav", channels=2)
    manifest(tmp_path, row("a.wav"))
    utterances = whole(read_manifest(tmp_path))
    with caplog.at_level(logging.WARNING, "fedasr"):
        _prepare(utterances, tmp_path / "cache", sped_copies(utterances, SPEEDS))
    assert caplog.messages == ["1 audio files mixed down to one channel"]


def test_speed_1_needs_no_copy() -> None:
    utterances = [utterance(0), utterance(1)]
    copies = sped_copies(utterances, SPEEDS)
    assert [(copy.id, copy.audio.speed) for copy in copies if isinstance(copy.audio, SpedAudio)] == [
        ("ann/0", 0.9), ("ann/1", 0.9), ("ann/0", 1.1), ("ann/1", 1.1),
    ]  # fmt: skip
    assert not sped_copies(utterances, ())


def test_an_index_describes_it(tmp_path: Path) -> None:
    audio = SpedAudio(AudioFile(record(tmp_path / "a.wav")), 0.9)
    assert restore(describe(audio)) == audio
    assert len({audio.fingerprint(), replace(audio, speed=0.8).fingerprint(), audio.source.fingerprint()}) == 3


def _prepare(utterances, cache: Path, copies=()) -> Speech:
    return prepare(utterances, LogMel(SPEC), SPEC.digest, cache, RATE_HZ, copies=copies)


def test_a_copy_has_the_features_of_its_waveform_and_is_no_utterance(tmp_path: Path) -> None:
    utterances = [utterance(i, seconds=0.3 + i / 10) for i in range(3)]
    plain = _prepare(utterances, tmp_path)
    made = _prepare(utterances, tmp_path, sped_copies(utterances[1:], SPEEDS))
    assert made.store.folder != plain.store.folder
    for speech in (made, open_speech(made.store.folder), pickle.loads(pickle.dumps(made)), joined([made])):
        assert [u.id for u in speech.utterances] == [u.id for u in utterances]
        assert speech.seconds == plain.seconds
        for index in range(3):
            assert speech.frames(index) == plain.frames(index)
            np.testing.assert_array_equal(speech.features(index), plain.features(index))
        for index, speed in ((1, 0.9), (2, 0.9), (1, 1.1), (2, 1.1)):
            waveform = SpedAudio(utterances[index].audio, speed).read(RATE_HZ)
            np.testing.assert_array_equal(speech.features(index, speed), LogMel(SPEC)(waveform))
        with pytest.raises(KeyError):
            speech.features(0, 0.9)


def test_without_copies_the_cache_is_what_it_was(tmp_path: Path) -> None:
    """The name of this folder is that of the versions that knew no speeds."""

    def frames(samples: np.ndarray) -> np.ndarray:
        return samples[: len(samples) // 8 * 8].reshape(-1, 8).astype(np.float16)

    speech = prepare([utterance(i) for i in range(3)], frames, "frames", tmp_path, RATE_HZ)
    assert speech.store.folder.name == "55ea507b4b206cb7d4e084589e98dd74"


def test_other_speeds_are_another_folder_and_no_file_is_hashed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(record(tmp_path / "a.wav"), (1e9, 1e9))
    manifest(tmp_path, row("a.wav"))
    utterances = whole(read_manifest(tmp_path))
    first = _prepare(utterances, tmp_path / "cache")
    monkeypatch.setattr(AudioFile, "content_hash", lambda self: pytest.fail("hashed again"))
    found = {
        _prepare(utterances, tmp_path / "cache", sped_copies(utterances, s)).store.folder for s in ((0.9,), (1.1,))
    }
    assert len(found | {first.store.folder}) == 3
