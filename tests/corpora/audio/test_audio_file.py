import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.sound import noise, record

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile, AudioInfo, inspect


def test_inspect_reads_the_header(tmp_path: Path) -> None:
    assert inspect(record(tmp_path / "a.flac", 0.5, 8_000, 2)) == AudioInfo(8_000, 2, 4_000)


def test_read_gives_what_was_written(tmp_path: Path) -> None:
    samples = noise(0.5)[:, 0]
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    read = AudioFile(tmp_path / "a.wav").read(16_000)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, samples)


def test_channels_are_averaged(tmp_path: Path) -> None:
    stereo = noise(0.5, channels=2)
    soundfile.write(tmp_path / "a.wav", stereo, 16_000, subtype="FLOAT")
    np.testing.assert_allclose(AudioFile(tmp_path / "a.wav").read(16_000), stereo.mean(axis=1), atol=1e-7)


def test_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    first = AudioFile(record(tmp_path / "a.wav", seed=1)).fingerprint()
    assert AudioFile(record(tmp_path / "b.wav", seed=1)).fingerprint() == first
    assert AudioFile(record(tmp_path / "a.wav", seed=2)).fingerprint() != first


def _cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def _fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def _with_nan(path: Path) -> Path:
    samples = noise(0.5)
    samples[7] = np.nan
    soundfile.write(path, samples, 16_000, subtype="FLOAT")
    return path


def _bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "none.wav", "no such audio file"),
        (lambda folder: folder, "a folder"),
        (lambda folder: folder / ("a" * 300), "cannot read the audio file"),
        (lambda folder: _fifo(folder / "a.wav"), "not a regular file; write the audio"),
        (lambda folder: _bytes(folder / "a.wav", b""), r"empty audio file \(0 bytes\)"),
        (lambda folder: record(folder / "a.wav", 0.0), "no samples"),
        (lambda folder: _bytes(folder / "a.wav", b"hello there, no audio"), "not an audio file"),
        (lambda folder: record(folder / "a.wav", 0.02), "20 ms of audio"),
        (lambda folder: _cut(record(folder / "a.wav", 2.0), 0.5), "truncated"),
        (lambda folder: _cut(record(folder / "a.flac", 2.0), 0.5), "truncated"),
        (lambda folder: _cut(record(folder / "a.mp3", 2.0), 0.5), "truncated"),
        (lambda folder: _with_nan(folder / "a.wav"), "not finite"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path: Path, make, message: str) -> None:
    path = make(tmp_path)
    with pytest.raises(UserError, match=message) as raised:
        AudioFile(path).read(16_000)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
def test_whole_files_of_each_format_are_read(tmp_path: Path, name: str) -> None:
    samples = AudioFile(record(tmp_path / name, 1.0)).read(16_000)
    assert abs(len(samples) - 16_000) <= 1_200
    assert samples.std() > 0.03


def test_wav_written_to_a_pipe_is_read(tmp_path: Path) -> None:
    path = record(tmp_path / "a.wav", 0.5)
    content = bytearray(path.read_bytes())
    content[40:44] = (0xFFFF_FFFF).to_bytes(4, "little")
    path.write_bytes(content)
    assert len(AudioFile(path).read(16_000)) == 8_000
