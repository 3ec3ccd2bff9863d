"""An audio file, or a part of one, as the source of an utterance."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import UserError
from fedasr.corpora.audio.hearing import hear_stored, warned
from fedasr.corpora.audio.info import AudioInfo
from fedasr.corpora.audio.inspection import inspect
from fedasr.corpora.audio.part import AudioPart
from fedasr.corpora.audio.stored import StoredFile
from fedasr.corpora.noted import NotedSamples


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A file that soundfile can read (WAV, FLAC, Ogg, MP3, …), or a part of one.

    Parameters
    ----------
    path : Path
    offset_seconds : float
        Where the part begins: at sample ``round(offset_seconds * rate)``.
    length_seconds : float, optional
        How long it is: ``round(length_seconds * rate)`` samples, or all that follows.
    channel : int, optional
        Which channel, from 0; by default all, mixed down to one.
    """

    path: Path
    offset_seconds: float = 0.0
    length_seconds: float | None = None
    channel: int | None = None

    @property
    def part(self) -> AudioPart:
        """Which part of the file."""
        return AudioPart(self.offset_seconds, self.length_seconds, self.channel)

    def inspect(self) -> AudioInfo:
        """Return what the header says, with the length of the part.

        Raises
        ------
        UserError
            If the file cannot be used (see `inspect` of this package), or the part does not lie in it.
        """
        return self.within(inspect(self.path))

    def within(self, info: AudioInfo) -> AudioInfo:
        """Return what `inspect` does, given what the file's header says."""
        return self.part.within(info, str(self.path))

    def read(self, sample_rate_hz: int) -> NDArray[np.float32]:
        """Return mono samples at the given rate, shape (samples,), and warn of what is lost; see `hear_stored`."""
        return warned(self.hear(sample_rate_hz))

    def hear(self, sample_rate_hz: int) -> NotedSamples:
        """Return mono samples at the given rate, and what was done to get them."""
        return hear_stored(StoredFile(self.path), self.part, sample_rate_hz)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the file's bytes, with the part where it is not the whole file."""
        return self.fingerprint_with(self.content_hash())

    def content_hash(self) -> str:
        """Return the SHA-256 of the file's bytes."""
        try:
            with self.path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise UserError(f"{self.path}: cannot read the audio file ({error.strerror})") from error

    def fingerprint_with(self, content_hash: str) -> str:
        """Return the fingerprint, given the SHA-256 of the file's bytes."""
        if self.part == AudioPart():
            return content_hash
        channel = "" if self.channel is None else f" channel {self.channel}"
        part = f"part-1 {content_hash} {self.offset_seconds!r} {self.length_seconds!r}{channel}"
        return hashlib.sha256(part.encode()).hexdigest()
