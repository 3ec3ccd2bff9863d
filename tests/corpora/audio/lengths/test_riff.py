"""What follows the data of a WAV file: tags and chunks are left alone, sound that the header does not tell is not."""

import struct
from pathlib import Path

import numpy as np
import pytest

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile, inspect

SAMPLES = np.random.default_rng(0).integers(-3000, 3000, 8000).astype("<i2")
TAG = b"TAG" + b"A title".ljust(125, b"\0")
PICTURE = b"ID3\x04\0\0\0\0\x20\0" + bytes(range(256)) * 16


def _wav(told: int, behind: bytes = b"") -> bytes:
    """A file whose header tells of so many bytes of 16,000."""
    body = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16_000, 2, 16)
    body += b"data" + struct.pack("<I", told) + SAMPLES.tobytes() + behind
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("told", [4_000, 12_002, 14_900])
def test_sound_that_the_header_does_not_tell_is_not_lost_in_silence(told: int, tmp_path: Path) -> None:
    """A recorder was killed, or 4 GiB were passed and lengths began again from 0."""
    (tmp_path / "a.wav").write_bytes(_wav(told))
    with pytest.raises(UserError, match=rf"a\.wav: {16_000 - told} bytes follow the audio.*; write the header anew"):
        inspect(tmp_path / "a.wav")


@pytest.mark.parametrize("behind", [
    b"", b"\0", TAG, PICTURE, bytes(4096), b"LIST" + struct.pack("<I", 2000) + bytes(range(250)) * 8,
])  # fmt: skip
def test_what_is_no_sound_is_left_alone(behind: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(_wav(16_000, behind))
    assert np.array_equal(AudioFile(tmp_path / "a.wav").read(8000), SAMPLES / np.float32(32768))
