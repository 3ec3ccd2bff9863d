"""Audio files: what their headers say, and their samples, mono and at the rate asked for."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torchaudio.transforms import Resample

from fedasr.common.errors import UserError

SHORTEST_SECONDS = 0.025
"""One analysis window; what is shorter has no features."""

_WAV_SHORTFALL = re.compile(r"^data : (\d+) \(should be (\d+)\)", re.MULTILINE)
# Programs that write WAV into a pipe leave a length near 2**31 or 2**32: unknown, not truncated.
_WAV_LENGTH_UNKNOWN = 0x7FFF_0000
_LENGTH_UNKNOWN_FRAMES = 2**62
# An MP3 header counts the coder's delay, too.
_MP3_SLACK_FRAMES = 4096


@dataclass(frozen=True)
class AudioInfo:
    """What the header of an audio file says.

    Parameters
    ----------
    rate_hz : int
    channels : int
    frames : int
        Samples of one channel.
    """

    rate_hz: int
    channels: int
    frames: int

    @property
    def seconds(self) -> float:
        """How long the file is."""
        return self.frames / self.rate_hz


@dataclass(frozen=True)
class AudioFile:
    """A file that soundfile can read (WAV, FLAC, Ogg, MP3, …).

    Parameters
    ----------
    path : Path
    """

    path: Path

    def read(self, sample_rate_hz: int) -> NDArray[np.float32]:
        """Return mono samples at the given rate, shape (samples,); several channels are mixed down."""
        inspect(self.path)
        samples_TC, info = _decode(self.path)
        if not np.isfinite(samples_TC).all():
            raise UserError(f"{self.path}: samples that are not finite numbers; export the file again")
        mono = samples_TC.mean(axis=1, dtype=np.float32) if info.channels > 1 else samples_TC[:, 0]
        return resample(mono, info.rate_hz, sample_rate_hz)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the file's bytes."""
        try:
            with self.path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise UserError(f"{self.path}: cannot read the audio file ({error.strerror})") from error


def inspect(path: Path) -> AudioInfo:
    """Read the header of an audio file, without decoding it.

    Raises
    ------
    UserError
        If the file is missing, empty, not audio, shorter than it says (as far as the header tells) or
        shorter than 25 ms.
    """
    try:
        header = soundfile.info(path, verbose=True)
    except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:
        raise UserError(_why_unreadable(path, error)) from error
    _check_length(path, header)
    return AudioInfo(int(header.samplerate), int(header.channels), int(header.frames))


def resample(samples: NDArray[np.float32], from_hz: int, to_hz: int) -> NDArray[np.float32]:
    """Return samples at another rate (windowed sinc), or as they are where the rates agree."""
    if from_hz == to_hz:
        return np.ascontiguousarray(samples)
    with torch.inference_mode():
        resampled: NDArray[np.float32] = _resampler(from_hz, to_hz)(torch.from_numpy(samples.copy())).numpy()
    return resampled


@lru_cache(maxsize=16)
def _resampler(from_hz: int, to_hz: int) -> Any:
    return Resample(from_hz, to_hz)


def _decode(path: Path) -> tuple[NDArray[np.float32], AudioInfo]:
    try:
        with soundfile.SoundFile(path) as file:
            info = AudioInfo(int(file.samplerate), int(file.channels), int(file.frames))
            slack = _MP3_SLACK_FRAMES if file.format == "MP3" else 0
            samples_TC: NDArray[np.float32] = file.read(dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise UserError(f"{path}: truncated or damaged audio ({_reason(error)}); copy the file again") from error
    if len(samples_TC) < info.frames - slack:
        raise UserError(_truncated(path, len(samples_TC), info.frames, "samples"))
    return samples_TC, info


def _check_length(path: Path, header: Any) -> None:
    shortfall = _WAV_SHORTFALL.search(header.extra_info) if header.format in ("WAV", "WAVEX") else None
    if shortfall and int(shortfall[2]) < int(shortfall[1]) < _WAV_LENGTH_UNKNOWN:
        raise UserError(_truncated(path, int(shortfall[2]), int(shortfall[1]), "bytes"))
    if header.frames >= _LENGTH_UNKNOWN_FRAMES:
        raise UserError(f"{path}: the header does not say how long it is; convert the file to WAV or FLAC")
    if header.frames <= 0:
        raise UserError(f"{path}: no samples in this audio file; remove it from the corpus")
    if header.frames < SHORTEST_SECONDS * header.samplerate:
        seconds = header.frames / header.samplerate
        raise UserError(f"{path}: {1000 * seconds:.0f} ms of audio, less than a window of 25 ms; remove the file")


def _why_unreadable(path: Path, error: Exception) -> str:
    if not path.exists():
        return f"{path}: no such audio file"
    if path.is_dir():
        return f"{path}: a folder, not an audio file"
    if path.stat().st_size == 0:
        return f"{path}: empty audio file (0 bytes)"
    return f"{path}: not an audio file that can be read ({_reason(error)}); use WAV, FLAC, Ogg or MP3"


def _truncated(path: Path, found: int, promised: int, unit: str) -> str:
    return f"{path}: truncated audio: the header says {promised} {unit}, found {found}; copy the file again"


def _reason(error: Exception) -> str:
    text = getattr(error, "error_string", None) or str(error)
    return " ".join(text.split()).rstrip(".")
