"""A store whose own transcripts nobody can reach: others stand in their place, or none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fedasr.corpora.alignment import Alignment
from fedasr.corpora.stores.store import Names, Store
from fedasr.corpora.utterance import Utterance


class Retold:
    """A store with other transcripts: what was said stays, and what it means is what it is told to be.

    Parameters
    ----------
    store : Store
    texts : mapping of int to str
        Transcripts by row; that of every other row is empty.
    """

    def __init__(self, store: Store, texts: Mapping[int, str]) -> None:
        self._store, self._texts = store, texts

    @property
    def frames(self) -> NDArray[np.integer]:
        """The 10 ms frames of each utterance."""
        return self._store.frames

    @property
    def seconds(self) -> NDArray[np.float64]:
        """The seconds of each utterance."""
        return self._store.seconds

    @property
    def speakers(self) -> Names:
        """The speakers, sorted."""
        return self._store.speakers

    @property
    def speaker_numbers(self) -> NDArray[np.integer]:
        """The place among the speakers of each utterance's own."""
        return self._store.speaker_numbers

    def id(self, row: int) -> str:
        """Return the name of an utterance."""
        return self._store.id(row)

    def text(self, row: int) -> str:
        """Return the transcript that an utterance was given; empty where it was given none."""
        return self._texts.get(row, "")

    def utterance(self, row: int) -> Utterance:
        """Return an utterance, with the transcript that it was given."""
        return replace(self._store.utterance(row), text=self.text(row))

    def features(self, row: int, speed: float = 1.0) -> NDArray[np.floating]:
        """Return the features of an utterance, or of its copy at another speed."""
        return self._store.features(row, speed)

    def alignment(self, row: int, name: str) -> Alignment:
        """Raise KeyError: alignments are of transcripts that nobody can reach."""
        raise KeyError(name)
