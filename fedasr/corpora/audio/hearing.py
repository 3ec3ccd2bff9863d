"""From encoded audio to mono samples at the rate asked for, with what had to be done."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import UserError
from fedasr.corpora.audio.channels import mono
from fedasr.corpora.audio.decoding import decode
from fedasr.corpora.audio.info import AudioInfo
from fedasr.corpora.audio.part import AudioPart
from fedasr.corpora.audio.resampling import resample
from fedasr.corpora.audio.stored import Stored
from fedasr.corpora.noted import Note, NotedSamples

# Full scale is 1. What lies beyond overflows in the power of a spectrum.
_LOUDEST = 1e9
# What features take for digital silence.
_SILENT_RANGE = 2.0**-20

_logger = logging.getLogger("fedasr")


def hear_stored(stored: Stored, part: AudioPart, sample_rate_hz: int) -> NotedSamples:
    """Return mono samples of a part of some audio, and what was done to get them.

    Several channels are mixed down; where they cancel, the loudest is taken.

    Raises
    ------
    UserError
        If the audio cannot be used, the part does not lie in it, or samples are not finite.
    """
    samples_TC, info = decode(stored, part)
    # Also true of samples that are not numbers.
    if not np.abs(samples_TC).max() < _LOUDEST:
        raise UserError(f"{stored.name}: samples that are not finite numbers; export the file again")
    samples, cancel = mono(samples_TC)
    notes = _notes(stored.name, info, sample_rate_hz, cancel, samples)
    return NotedSamples(resample(samples, info.rate_hz, sample_rate_hz), tuple(notes))


def warned(heard: NotedSamples) -> NDArray[np.float32]:
    """Return the samples, and warn of what is lost."""
    for note in heard.notes:
        if note.is_loss:
            _logger.warning("%s: an audio file %s", note.file, note.text)
    return heard.samples


def _notes(
    name: str, info: AudioInfo, sample_rate_hz: int, cancel: bool, samples: NDArray[np.float32]
) -> Iterator[Note]:
    if info.rate_hz != sample_rate_hz:
        yield Note(name, f"resampled from {info.rate_hz} Hz to {sample_rate_hz} Hz")
    if cancel:
        yield Note(name, "whose channels cancel: the loudest is taken", is_loss=True)
    elif info.channels > 1:
        yield Note(name, "mixed down to one channel")
    if np.ptp(samples) < _SILENT_RANGE:
        yield Note(name, "silent throughout", is_loss=True)
