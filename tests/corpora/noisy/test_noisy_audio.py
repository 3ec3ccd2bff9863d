"""Speech among voices: as loud as stated, as long as the speech, the same everywhere, and known to the cache."""

import hashlib
import json
import logging
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.corpora import whole
from support.sound import Samples, manifest, record, row, utterance

from fedasr.asr.features import FeatureSpec, LogMel
from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.features.sources import describe, restore
from fedasr.corpora.features.store import open_speech, prepare
from fedasr.corpora.noisy.level import speech_level
from fedasr.corpora.noisy.noisy_audio import NoisyAudio
from fedasr.corpora.readers.manifest import read_manifest
from fedasr.corpora.sped import SpedAudio, sped_copies
from fedasr.corpora.utterance import Utterance

RATE_HZ = 16_000
SPEC = FeatureSpec(mels=8)
BABBLE = (Samples(1, 0.2), Samples(2, 0.7), Samples(3, 0.31))


@dataclass(frozen=True)
class Silence:
    """Half a second of digital silence, then so much of a tone."""

    sounding_seconds: float = 0.0

    def read(self, sample_rate_hz: int) -> np.ndarray:
        tone = np.sin(np.arange(round(self.sounding_seconds * sample_rate_hz)))
        return np.concatenate((np.zeros(sample_rate_hz // 2), tone)).astype(np.float32)

    def fingerprint(self) -> str:
        return f"silence {self.sounding_seconds}"


def _noisy(source=BABBLE[0], babble=BABBLE[1:], snr_db: float = 10.0, room_seconds: float = 0.3, seed: int = 7):
    return NoisyAudio(source, tuple(babble), snr_db, room_seconds, seed)


@given(
    snr_db=st.floats(-20, 40), room_seconds=st.sampled_from([0.0, 0.05, 0.3]), seed=st.integers(0, 2**32 - 1),
    rate_hz=st.sampled_from([8_000, 14_545, 16_000]), voices=st.integers(1, 3),
)  # fmt: skip
def test_the_babble_lies_as_far_below_the_speech_as_stated(
    snr_db: float, room_seconds: float, seed: int, rate_hz: int, voices: int
) -> None:
    audio = _noisy(Samples(9, 0.4), BABBLE[:voices], snr_db, room_seconds, seed)
    speech = replace(audio, babble=()).read(rate_hz).astype(np.float64)
    babble = audio.read(rate_hz) - speech
    ratio_db = 20 * np.log10(speech_level(speech, rate_hz) / speech_level(babble, rate_hz))
    # Both were rounded to float32 (6e-8 of speech that is up to 100 times louder), and the level is a mean of squares.
    assert ratio_db == pytest.approx(snr_db, abs=1e-3)


def test_silence_around_speech_makes_the_babble_no_quieter() -> None:
    """The level is that of the speech: a second of silence beside half a second of sound changes it by nothing."""
    short, long = (
        _noisy(Silence(0.5), room_seconds=0.0, snr_db=0.0),
        _noisy(Silence(1.5), room_seconds=0.0, snr_db=0.0),
    )
    levels = []
    for audio in (short, long):
        samples = audio.read(RATE_HZ).astype(np.float64)
        levels.append(speech_level(samples[: RATE_HZ // 2], RATE_HZ))  # nobody but the others
    # A sine's 10 ms hold 25 periods and a part; noise of 48 frames or more has a level within 2%.
    assert levels[0] == pytest.approx(np.sqrt(0.5), rel=0.1)
    assert levels[1] == pytest.approx(levels[0], rel=0.1)


def test_it_is_as_long_as_the_speech_and_nothing_is_delayed() -> None:
    for seconds in (0.01, 0.5, 2.0):
        assert len(_noisy(Samples(4, seconds)).read(RATE_HZ)) == round(seconds * RATE_HZ)
    heard = _noisy(Silence(0.1), babble=()).read(RATE_HZ)
    assert np.flatnonzero(np.abs(heard) > 1e-6)[0] == RATE_HZ // 2 + 1  # the tone's first sample is 0


def test_without_voices_and_room_it_is_the_recording() -> None:
    np.testing.assert_array_equal(_noisy(babble=(), room_seconds=0.0).read(RATE_HZ), BABBLE[0].read(RATE_HZ))


def test_the_babble_is_the_sum_of_its_voices_equally_loud_and_no_voice_changes_another() -> None:
    speech, (first, second) = _noisy(Samples(9), babble=()).read(RATE_HZ).astype(np.float64), BABBLE[1:]
    casts = ((first, second), (first, Silence()), (Silence(), second))
    both, one, other = (_noisy(Samples(9), voices).read(RATE_HZ) - speech for voices in casts)
    shares, (rest,), _, _ = np.linalg.lstsq(np.stack((one, other), axis=1), both, rcond=None)
    assert rest <= 1e-10 * np.dot(both, both)  # float32
    assert shares[0] == pytest.approx(shares[1], rel=1e-4)


def test_a_voice_that_pauses_for_as_long_as_the_speech_begins_with_its_sound() -> None:
    """Half a second is silent and a tenth is not: from most places in it 10 ms of speech would hear nobody."""
    speech = Samples(5, 0.01)
    for seed in range(20):
        noisy, clean = (_noisy(speech, voices, 0.0, 0.0, seed).read(RATE_HZ) for voices in ((Silence(0.1),), ()))
        assert not np.array_equal(noisy, clean)


def test_voices_that_say_nothing_at_all_are_refused_and_silent_speech_stays_silent() -> None:
    with pytest.raises(UserError, match=r"corpus\.noise: the public voices under an utterance are digital silence"):
        _noisy(babble=(Silence(), Silence())).read(RATE_HZ)
    assert not _noisy(Silence()).read(RATE_HZ).any()


SCRIPT = """
import hashlib, pathlib, sys
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.noisy.noisy_audio import NoisyAudio
files = [AudioFile(pathlib.Path(name)) for name in sys.argv[1:]]
for seed in (2, 1, 0):
    samples = NoisyAudio(files[0], tuple(files[1:]), 10.0, 0.3, seed).read(16_000)
    print(hashlib.sha256(samples.tobytes()).hexdigest())
"""


def test_the_bits_are_the_same_in_another_process_and_order(tmp_path: Path) -> None:
    files = [AudioFile(record(tmp_path / f"{seed}.wav", seed=seed)) for seed in range(3)]
    audios = [_noisy(files[0], files[1:], seed=seed) for seed in range(3)]
    here = [hashlib.sha256(audio.read(RATE_HZ).tobytes()).hexdigest() for audio in audios]
    assert len(set(here)) == 3
    line = [sys.executable, "-c", SCRIPT, *(str(file.path) for file in files)]
    there = subprocess.run(line, capture_output=True, text=True, check=True).stdout.split()
    assert there == here[::-1]


def test_the_fingerprint_holds_everything(tmp_path: Path) -> None:
    audio = _noisy()
    others = [
        replace(audio, source=Samples(8)), replace(audio, babble=audio.babble[::-1]), replace(audio, snr_db=9.0),
        replace(audio, babble=audio.babble[:1]), replace(audio, room_seconds=0.2), replace(audio, seed=8),
        audio.source,
    ]  # fmt: skip
    assert len({one.fingerprint() for one in [audio, *others]}) == 8
    assert audio.fingerprint() == _noisy().fingerprint()


def test_an_index_describes_it(tmp_path: Path) -> None:
    files = tuple(AudioFile(record(tmp_path / f"{seed}.wav", seed=seed)) for seed in range(3))
    audio = _noisy(files[0], files[1:])
    described = json.loads(json.dumps(describe(audio)))
    assert restore(described) == audio
    sped = SpedAudio(audio, 1.1)
    assert restore(json.loads(json.dumps(describe(sped)))) == sped
    # At another speed the room is drawn at another rate, so that all but its samples is the same.
    assert abs(len(sped.read(RATE_HZ)) - len(audio.read(RATE_HZ)) / 1.1) <= 1


def test_what_was_done_to_a_recording_is_said_of_it_and_not_of_the_voices(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    voice = AudioFile(record(tmp_path / "voice.wav", channels=2))
    record(tmp_path / "a.wav", channels=2)
    manifest(tmp_path, row("a.wav"))
    (plain,) = whole(read_manifest(tmp_path))
    with caplog.at_level(logging.WARNING, "fedasr"):
        _prepare([replace(plain, audio=_noisy(plain.audio, [voice]))], tmp_path / "cache")
    assert caplog.messages == ["1 audio files mixed down to one channel"]


def _prepare(utterances: list[Utterance], cache: Path, copies=()):
    return prepare(utterances, LogMel(SPEC), SPEC.digest, cache, RATE_HZ, copies=copies)


def test_the_cache_holds_its_features_and_those_at_other_speeds(tmp_path: Path) -> None:
    noisy = replace(utterance(0), audio=_noisy(Samples(0)))
    plain, made = _prepare([utterance(0)], tmp_path), _prepare([noisy], tmp_path, sped_copies([noisy], [1.0, 0.9]))
    assert made.store.folder != plain.store.folder
    assert made.seconds == plain.seconds
    for speech in (made, open_speech(made.store.folder)):
        np.testing.assert_array_equal(speech.features(0), LogMel(SPEC)(noisy.audio.read(RATE_HZ)))
        np.testing.assert_array_equal(speech.features(0, 0.9), LogMel(SPEC)(SpedAudio(noisy.audio, 0.9).read(RATE_HZ)))


def test_no_file_of_speech_or_voice_is_hashed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.wav", "b.wav"):
        os.utime(record(tmp_path / name, seed=ord(name[0])), (1e9, 1e9))
    manifest(tmp_path, row("a.wav"), row("b.wav", speaker="bob"))
    plain, voice = whole(read_manifest(tmp_path))
    first = _prepare([plain, voice], tmp_path / "cache")
    monkeypatch.setattr(AudioFile, "content_hash", lambda self: pytest.fail("hashed again"))
    noisy = replace(plain, audio=_noisy(plain.audio, [voice.audio]))
    assert _prepare([noisy, voice], tmp_path / "cache").store.folder != first.store.folder
