"""Several parts of speech as one, each with its own features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fedasr.corpora.alignment import Alignment
from fedasr.corpora.speech import Speech, speech_of
from fedasr.corpora.stores.store import numbered
from fedasr.corpora.utterance import Utterance


def joined(parts: Sequence[Speech]) -> Speech:
    """Return several parts as one, each with its own features; transcribed if all of them are."""
    return replace(speech_of(JoinedStore(parts)), is_transcribed=all(part.is_transcribed for part in parts))


class JoinedStore:
    """The utterances of several parts of speech, one part after the other.

    Parameters
    ----------
    parts : sequence of Speech
    """

    def __init__(self, parts: Sequence[Speech]) -> None:
        self._parts = tuple(parts)
        self._ends = np.cumsum([0, *map(len, parts)])[1:]
        self.frames = np.concatenate([np.zeros(0, np.int32), *(part.frames_of() for part in parts)])
        self.seconds = np.concatenate([np.zeros(0), *(part.seconds_of() for part in parts)])
        self.speakers, places = numbered(name for part in parts for name in part.speakers)
        starts = np.cumsum([0, *(len(part.speakers) for part in parts)])
        own = [places[start:] for start in starts]
        self.speaker_numbers = np.concatenate(
            [np.zeros(0, np.int32), *(own[n][_among_own(part)] for n, part in enumerate(parts))]
        )

    def id(self, row: int) -> str:
        """Return the name of an utterance."""
        part, place = self._at(row)
        return part.id(place)

    def text(self, row: int) -> str:
        """Return the transcript of an utterance."""
        part, place = self._at(row)
        return part.text(place)

    def utterance(self, row: int) -> Utterance:
        """Return an utterance."""
        part, place = self._at(row)
        return part.utterances[place]

    def features(self, row: int, speed: float = 1.0) -> NDArray[np.floating]:
        """Return the features of an utterance, or of its copy at another speed."""
        part, place = self._at(row)
        return part.features(place, speed)

    def alignment(self, row: int, name: str) -> Alignment:
        """Return the phones of an utterance, frame by frame."""
        part, place = self._at(row)
        return part.alignment(place, name)

    def _at(self, row: int) -> tuple[Speech, int]:
        number = int(np.searchsorted(self._ends, row, side="right"))
        part = self._parts[number]
        return part, row - int(self._ends[number]) + len(part)


def _among_own(part: Speech) -> NDArray[np.integer]:
    """Return the place of each utterance's speaker among those of the part."""
    return np.unique(part.store.speaker_numbers[part.rows], return_inverse=True)[1]
