"""Cases that people met: each file is made as theirs was."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.encoded import encoded, mp3_frames, sound
from support.sound import manifest, row

from fedasr.asr.features import FeatureSpec, LogMel
from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile, inspect
from fedasr.corpora.load import load_corpus


def _file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_antiphase_stereo(tmp_path: Path) -> None:
    left = sound()
    soundfile.write(tmp_path / "a.flac", np.stack([left, -left], axis=1), 8_000)
    assert AudioFile(tmp_path / "a.flac").read(8_000).std() > left.std() / 2


def test_digital_silence(tmp_path: Path) -> None:
    plain = sound(16_000)
    soundfile.write(tmp_path / "plain.flac", plain, 16_000)
    soundfile.write(tmp_path / "padded.flac", np.concatenate([plain, np.zeros(16_000, np.float32)]), 16_000)
    features = [
        LogMel(FeatureSpec())(AudioFile(tmp_path / f"{name}.flac").read(16_000)) for name in ("plain", "padded")
    ]
    first, second = (each[:98].astype(np.float64) for each in features)
    # What the case asks for; before, it was above 1.
    assert np.abs(first - second).mean() < 0.1


def test_a_telephone_systems_wav(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.wav", encoded("WAV", "GSM610"))
    assert 8_000 <= len(AudioFile(path).read(8_000)) <= 8_320
    assert inspect(path).frames == len(AudioFile(path).read(8_000))


@pytest.mark.parametrize("seconds", [1.0, 1.37, 2.0])
def test_durations_of_before_the_coding_to_mp3(tmp_path: Path, seconds: float) -> None:
    content = encoded("MP3", "MPEG_LAYER_III", samples=sound(round(8_000 * seconds)))
    _file(tmp_path / "a.mp3", b"".join(mp3_frames(content)[1:]))
    manifest(tmp_path, row("a.mp3", duration=seconds))
    (found,) = load_corpus("manifest", tmp_path)
    assert found.duration_seconds == pytest.approx(seconds, abs=2257 / 8_000)


@pytest.mark.parametrize("loud_first", [True, False])
def test_mp3_of_a_variable_rate_without_length(tmp_path: Path, loud_first: bool) -> None:
    levels = np.repeat([1.0, 0.001], 48_000)[:: 1 if loud_first else -1]
    samples = (sound(96_000) * levels).astype(np.float32)
    content = encoded("MP3", "MPEG_LAYER_III", 16_000, samples=samples, bitrate_mode="VARIABLE")
    path = _file(tmp_path / "a.mp3", b"".join(mp3_frames(content)[1:]))
    assert 6.0 <= len(AudioFile(path).read(16_000)) / 16_000 <= 6.2
    assert inspect(path).frames == len(AudioFile(path).read(16_000))


def test_an_odd_rate(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.flac", encoded("FLAC", rate_hz=15_987, samples=sound(6_395)))
    assert abs(len(AudioFile(path).read(16_000)) - 6_400) <= 2


@pytest.mark.parametrize("rate_hz", [1, 100, 1_999])
def test_a_rate_that_holds_no_speech(tmp_path: Path, rate_hz: int) -> None:
    path = _file(tmp_path / "a.wav", encoded("WAV", rate_hz=rate_hz))
    with pytest.raises(UserError, match=f"a rate of {rate_hz} Hz holds no speech; "):
        AudioFile(path).read(16_000)


@pytest.mark.parametrize("form", ["AIFF", "AU", "W64", "RF64", "NIST", "CAF", "OGG", "MP3", "FLAC", "WAV"])
def test_sixty_per_cent_of_a_file(tmp_path: Path, form: str) -> None:
    content = encoded(form, rate_hz=16_000, samples=sound(64_000))
    if form == "MP3":
        content = b"".join(mp3_frames(content)[1:])
    path = _file(tmp_path / "a", content[: len(content) * 6 // 10])
    for use in (inspect, lambda path: AudioFile(path).read(16_000)):
        with pytest.raises(UserError, match=r"truncated.*; copy the file again"):
            use(path)


def test_a_recorder_that_was_killed(tmp_path: Path) -> None:
    content = bytearray(encoded("WAV", "PCM_16"))
    struct.pack_into("<I", content, 4, 0)
    struct.pack_into("<I", content, 40, 0)
    path = _file(tmp_path / "a.wav", bytes(content))
    assert inspect(path).frames == 8_000
    np.testing.assert_allclose(AudioFile(path).read(8_000), sound(), atol=2.0**-15)
