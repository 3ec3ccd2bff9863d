"""What audio is, before its samples are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError
from fedasr.corpora.audio.info import SHORTEST_SECONDS, AudioInfo
from fedasr.corpora.audio.opening import opened
from fedasr.corpora.audio.stored import Stored, StoredFile

LOWEST_RATE_HZ = 2_000
"""Below it no vowel is left; such a rate is a damaged header."""

_SHOWS_A_CUT = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "SVX", "AU", "CAF", "NIST", "FLAC", "OGG", "MP3", "HTK")
_LENGTH_UNKNOWN_FRAMES = 2**62


def inspect(path: Path) -> AudioInfo:
    """Return what an audio file is, as `inspect_stored` does."""
    return inspect_stored(StoredFile(path))


def inspect_stored(stored: Stored) -> AudioInfo:
    """Return what audio is: by its header, and by what is there.

    Raises
    ------
    UserError
        If it is missing, empty, not audio, shorter than it says, shorter than 25 ms, or of a useless rate.
    """
    with opened(stored) as file:
        info = info_of(file, stored.name)
        if info.format == "FLAC":
            _check_end(file, info)
    return info


def info_of(file: Any, name: str) -> AudioInfo:
    """Return what an open soundfile is; errors as of `inspect_stored`."""
    info = AudioInfo(int(file.samplerate), int(file.channels), int(file.frames), str(file.format))
    _check(name, info)
    return info


def _check_end(file: Any, info: AudioInfo) -> None:
    """Read the last sample, where the container does not show a cut but the decoder does."""
    file.seek(info.frames - 1)
    if not len(file.read(1)):
        raise ValueError("the last samples are not there")


def _check(name: str, info: AudioInfo) -> None:
    if info.format not in _SHOWS_A_CUT:
        raise UserError(f"{name}: {info.format} files do not show whether they are whole; convert it to WAV or FLAC")
    if info.frames >= _LENGTH_UNKNOWN_FRAMES:
        raise UserError(f"{name}: it does not tell how long it is; convert the file to WAV or FLAC")
    if info.frames <= 0:
        raise UserError(f"{name}: no samples in this audio file; remove it from the corpus")
    if info.rate_hz < LOWEST_RATE_HZ:
        raise UserError(f"{name}: a rate of {info.rate_hz} Hz holds no speech; record or export it at 8000 Hz or more")
    if info.frames < SHORTEST_SECONDS * info.rate_hz:
        raise UserError(f"{name}: {1000 * info.seconds:.0f} ms of audio, less than a window of 25 ms; remove the file")
