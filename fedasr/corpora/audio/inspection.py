"""The headers of audio files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import soundfile

from fedasr.common.errors import UserError
from fedasr.corpora.audio.info import SHORTEST_SECONDS, AudioInfo
from fedasr.corpora.audio.refusal import truncated, why_unreadable

_WAV_SHORTFALL = re.compile(r"^data : (\d+) \(should be (\d+)\)", re.MULTILINE)
# Programs that write WAV into a pipe leave a length near 2**31 or 2**32: unknown, not truncated.
_WAV_LENGTH_UNKNOWN = 0x7FFF_0000
_LENGTH_UNKNOWN_FRAMES = 2**62


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
        raise UserError(why_unreadable(path, error)) from error
    _check_length(path, header)
    return AudioInfo(int(header.samplerate), int(header.channels), int(header.frames), str(header.format))


def _check_length(path: Path, header: Any) -> None:
    shortfall = _WAV_SHORTFALL.search(header.extra_info) if header.format in ("WAV", "WAVEX") else None
    if shortfall and int(shortfall[2]) < int(shortfall[1]) < _WAV_LENGTH_UNKNOWN:
        raise UserError(truncated(path, int(shortfall[2]), int(shortfall[1]), "bytes"))
    if header.frames >= _LENGTH_UNKNOWN_FRAMES:
        raise UserError(f"{path}: the header does not say how long it is; convert the file to WAV or FLAC")
    if header.frames <= 0:
        raise UserError(f"{path}: no samples in this audio file; remove it from the corpus")
    if header.frames < SHORTEST_SECONDS * header.samplerate:
        seconds = header.frames / header.samplerate
        raise UserError(f"{path}: {1000 * seconds:.0f} ms of audio, less than a window of 25 ms; remove the file")
