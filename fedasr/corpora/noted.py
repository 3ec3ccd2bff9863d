"""Samples, and what had to be done to get them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fedasr.corpora.utterance import AudioSource


@dataclass(frozen=True)
class Note:
    """Something worth saying of an audio file.

    Parameters
    ----------
    file : str
    text : str
        What is said, the same words for each file of which it is true.
    is_loss : bool
        Whether sound is missing that the file seems to hold; then the file is named.
    """

    file: str
    text: str
    is_loss: bool = False


@dataclass(frozen=True)
class NotedSamples:
    """What an audio source yields.

    Parameters
    ----------
    samples : ndarray of float32, shape (samples,)
        Mono, at the rate asked for.
    notes : tuple of Note
    """

    samples: NDArray[np.float32]
    notes: tuple[Note, ...] = ()


@runtime_checkable
class NotedAudio(Protocol):
    """An audio source that says what it did."""

    def hear(self, sample_rate_hz: int) -> NotedSamples:
        """Return the samples at the given rate, and the notes."""


def hear(audio: AudioSource, sample_rate_hz: int) -> NotedSamples:
    """Return the samples of any source, with its notes if it makes any."""
    return audio.hear(sample_rate_hz) if isinstance(audio, NotedAudio) else NotedSamples(audio.read(sample_rate_hz))


def counted(notes: Iterable[Note]) -> list[str]:
    """Return a line for each thing said, with the number of files, in the order in which they first come up."""
    files: dict[tuple[str, bool], dict[str, None]] = {}
    for note in notes:
        files.setdefault((note.text, note.is_loss), {})[note.file] = None
    return [
        f"{len(named)} audio files {text}" + (f"; the first is {next(iter(named))}" if is_loss else "")
        for (text, is_loss), named in files.items()
    ]
