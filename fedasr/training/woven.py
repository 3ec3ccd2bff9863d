"""Batches of several passes as one sequence, none of them made before it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from fedasr.training.passes import Batches


class WovenBatches(Sequence[list[int]]):
    """Some batches of several sequences, in an order.

    Parameters
    ----------
    sources : sequence of Batches
    picked : ndarray of int, shape (batches, 2)
        Which sequence, and which of its batches.
    shift : int
        Added to each place: where the examples of the sequences begin among others.
    """

    def __init__(self, sources: Sequence[Batches], picked: NDArray[np.integer], shift: int = 0) -> None:
        self._sources, self._picked, self._shift = sources, picked, shift

    def __len__(self) -> int:
        return len(self._picked)

    @overload
    def __getitem__(self, number: int) -> list[int]: ...
    @overload
    def __getitem__(self, number: slice) -> WovenBatches: ...
    def __getitem__(self, number: int | slice) -> list[int] | WovenBatches:
        if isinstance(number, slice):
            return WovenBatches(self._sources, self._picked[number], self._shift)
        source, batch = self._picked[number].tolist()
        return [self._shift + place for place in self._sources[source][batch]]

    def from_number(self, first: int) -> WovenBatches:
        """Return the same batches from one of them on, and then those before it."""
        return WovenBatches(self._sources, np.roll(self._picked, -first, axis=0), self._shift)


def one_after_another(sources: Sequence[Batches], count: int, shift: int = 0) -> WovenBatches:
    """Return the first so many batches of several sequences, one sequence after the other."""
    picked = [np.stack([np.full(len(of), n), np.arange(len(of))], 1).astype(np.int32) for n, of in enumerate(sources)]
    return WovenBatches(sources, np.concatenate([np.zeros((0, 2), np.int32), *picked])[:count], shift)


def evenly(many: Batches, few: Batches) -> WovenBatches:
    """Return two sequences as one, each in its order and as evenly spread as it goes."""
    places = [np.arange(len(of)) for of in (many, few)]
    keys = np.concatenate([(place + 0.5) / max(len(place), 1) for place in places])
    source = np.repeat([0, 1], [len(place) for place in places])
    picked = np.stack([source, np.concatenate(places)], 1).astype(np.int32)
    return WovenBatches((many, few), picked[np.lexsort((source, keys))])
