"""Opening audio with libsndfile, its length examined first."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import soundfile

from fedasr.common.errors import UserError
from fedasr.corpora.audio.lengths import Extent, examine
from fedasr.corpora.audio.stored import Headed, Stored

_FAILURES = (soundfile.LibsndfileError, RuntimeError, OSError, ValueError, TypeError, MemoryError)


@contextmanager
def opened(stored: Stored) -> Iterator[Any]:
    """Open audio; whatever goes wrong in the block is told in a line.

    Yields
    ------
    soundfile.SoundFile

    Raises
    ------
    UserError
        If it is missing, empty, no audio or shorter than it says.
    """
    with stored.open() as stream:
        if stream.seek(0, io.SEEK_END) == 0:
            raise UserError(f"{stored.name}: empty audio file (0 bytes); copy the file again")
        extent = examine(stream)
        if extent.fault:
            raise UserError(f"{stored.name}: {extent.fault}")
        try:
            file = _sound_file(stream, extent)
        except _FAILURES as error:
            mend = "use WAV, FLAC, Ogg or MP3"
            raise UserError(f"{stored.name}: not an audio file that can be read ({_reason(error)}); {mend}") from error
        try:
            with file:
                yield file
        except _FAILURES as error:
            told = f"truncated or damaged audio ({_reason(error)})"
            raise UserError(f"{stored.name}: {told}; copy the file again") from error


def _sound_file(stream: BinaryIO, extent: Extent) -> Any:
    if extent.head or isinstance(stream, io.BytesIO):
        return soundfile.SoundFile(Headed(stream, extent))
    # libsndfile reads a file itself much faster than through Python.
    os.lseek(stream.fileno(), 0, os.SEEK_SET)
    return soundfile.SoundFile(stream.fileno(), closefd=False)


def _reason(error: Exception) -> str:
    text = getattr(error, "error_string", None) or str(error)
    return " ".join(text.split()).rstrip(".")
