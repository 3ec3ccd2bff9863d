"""An audio file, or a part of one, as the source of an utterance."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import UserError
from fedasr.corpora.audio.channels import mono
from fedasr.corpora.audio.decoding import decode
from fedasr.corpora.audio.info import SHORTEST_SECONDS, AudioInfo
from fedasr.corpora.audio.inspection import inspect
from fedasr.corpora.audio.resampling import resample
from fedasr.corpora.audio.stored import StoredFile
from fedasr.corpora.noted import Note, NotedSamples

# Manifests round their seconds; a part may seem to end so much after its file.
_ROUNDING_SECONDS = 0.1
# Full scale is 1. What lies beyond overflows in the power of a spectrum.
_LOUDEST = 1e9
# What features take for digital silence.
_SILENT_RANGE = 2.0**-20

_logger = logging.getLogger("fedasr")


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
        if self.channel is None:
            return replace(info, frames=self._span(info)[1])
        if not 0 <= self.channel < info.channels:
            raise UserError(
                f"{self.path}: no channel {self.channel}: it has {info.channels}, counted from 0; correct it"
            )
        return replace(info, frames=self._span(info)[1], channels=1)

    def read(self, sample_rate_hz: int) -> NDArray[np.float32]:
        """Return mono samples at the given rate, shape (samples,), and warn of what is lost; see `hear`."""
        heard = self.hear(sample_rate_hz)
        for note in heard.notes:
            if note.is_loss:
                _logger.warning("%s: an audio file %s", note.file, note.text)
        return heard.samples

    def hear(self, sample_rate_hz: int) -> NotedSamples:
        """Return mono samples at the given rate, and what was done to get them.

        Several channels are mixed down; where they cancel, the loudest is taken.
        """
        info = inspect(self.path)
        self.within(info)
        samples_TC = decode(StoredFile(self.path), info, *self._span(info))
        if self.channel is not None:
            samples_TC = samples_TC[:, [self.channel]]
        # Also true of samples that are not numbers.
        if not np.abs(samples_TC).max() < _LOUDEST:
            raise UserError(f"{self.path}: samples that are not finite numbers; export the file again")
        samples, cancel = mono(samples_TC)
        notes = _notes(str(self.path), info.rate_hz, sample_rate_hz, samples_TC.shape[1], cancel, samples)
        return NotedSamples(resample(samples, info.rate_hz, sample_rate_hz), tuple(notes))

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
        if self == AudioFile(self.path):
            return content_hash
        channel = "" if self.channel is None else f" channel {self.channel}"
        part = f"part-1 {content_hash} {self.offset_seconds!r} {self.length_seconds!r}{channel}"
        return hashlib.sha256(part.encode()).hexdigest()

    def _span(self, info: AudioInfo) -> tuple[int, int]:
        """Return the first sample and how many there are."""
        if not 0 <= self.offset_seconds < math.inf or not 0 < (self.length_seconds or 1) < math.inf:
            raise UserError(f"{self.path}: a part of {self.length_seconds} s from {self.offset_seconds} s; correct it")
        first = round(self.offset_seconds * info.rate_hz)
        left = info.frames - first
        asked = left if self.length_seconds is None else round(self.length_seconds * info.rate_hz)
        if asked > left + _ROUNDING_SECONDS * info.rate_hz:
            end = (first + asked) / info.rate_hz
            lies = f"from {self.offset_seconds:g} s to {end:.3f} s"
            raise UserError(f"{self.path}: {lies} does not lie in the file of {info.seconds:.3f} s; correct the part")
        count = min(asked, left)
        if count < SHORTEST_SECONDS * info.rate_hz:
            milliseconds = 1000 * max(count, 0) / info.rate_hz
            lies = f"{milliseconds:.0f} ms of audio from {self.offset_seconds:g} s on"
            raise UserError(f"{self.path}: {lies}, less than a window of 25 ms; remove the part")
        return first, count


def _notes(
    file: str, from_hz: int, to_hz: int, channels: int, cancel: bool, samples: NDArray[np.float32]
) -> Iterator[Note]:
    if from_hz != to_hz:
        yield Note(file, f"resampled from {from_hz} Hz to {to_hz} Hz")
    if cancel:
        yield Note(file, "whose channels cancel: the loudest is taken", is_loss=True)
    elif channels > 1:
        yield Note(file, "mixed down to one channel")
    if np.ptp(samples) < _SILENT_RANGE:
        yield Note(file, "silent throughout", is_loss=True)
