"""What a store of utterances is: columns with a row for each utterance, and the features that belong to a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fedasr.corpora.alignment import Alignment
from fedasr.corpora.utterance import Utterance

AT_ONCE = 1 << 18
"""Rows that a pass over a column takes at once: what it holds does not grow with the corpus."""


class Names(Protocol):
    """Strings by place, in memory or read when they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> str: ...


class Store(Protocol):
    """Utterances with their features, by row."""

    @property
    def frames(self) -> NDArray[np.integer]:
        """The 10 ms frames of each utterance, shape (rows,)."""

    @property
    def seconds(self) -> NDArray[np.float64]:
        """The seconds of each utterance, shape (rows,)."""

    @property
    def speakers(self) -> Names:
        """The speakers, each once, sorted."""

    @property
    def speaker_numbers(self) -> NDArray[np.integer]:
        """The place among the speakers of each utterance's own, shape (rows,)."""

    def id(self, row: int) -> str:
        """Return the name of an utterance."""

    def text(self, row: int) -> str:
        """Return the transcript of an utterance."""

    def utterance(self, row: int) -> Utterance:
        """Return all that is known of an utterance."""

    def features(self, row: int, speed: float = 1.0) -> NDArray[np.floating]:
        """Return log-mel features, shape (frames of 10 ms, mels), of the utterance or of its copy at another speed.

        Raises
        ------
        KeyError
            Where it has no copy at that speed.
        """

    def alignment(self, row: int, name: str) -> Alignment:
        """Return the phones of an utterance, frame by frame, of the alignments of a name; KeyError without them."""


def row_numbers(count: int) -> NDArray[np.integer]:
    """Return the numbers of so many rows, in as few bytes as hold them."""
    return np.arange(count, dtype=np.int32 if count <= np.iinfo(np.int32).max else np.int64)


def numbered(names: Iterable[str]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Return some names, each once and sorted, and the place among them of each that was given."""
    given = list(names)
    each = sorted(set(given))
    places = {name: place for place, name in enumerate(each)}
    return tuple(each), np.array([places[name] for name in given], np.int32)


def portions(rows: NDArray[np.integer]) -> Iterator[NDArray[np.integer]]:
    """Yield some row numbers a bounded number at a time."""
    for start in range(0, len(rows), AT_ONCE):
        yield rows[start : start + AT_ONCE]
