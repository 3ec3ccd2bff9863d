"""Weighted sums in float64, in a fixed order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHUNK = 1 << 15
"""Values a step: what is worked on stays in the processor's cache."""


class WeightedSum:
    """Adds arrays of replies, each multiplied by its weight, into one float64 vector."""

    def __init__(self) -> None:
        self.values: NDArray[np.float64] | None = None
        self._product = np.empty(0)

    def add(self, arrays: Mapping[str, NDArray[Any]], weight: float) -> None:
        """Add one reply."""
        first = self.values is None
        if self.values is None:
            self.values = np.empty(sum(array.size for array in arrays.values()))
            self._product = np.empty(min(CHUNK, self.values.size))
        start = 0
        for array in arrays.values():
            flat = np.ascontiguousarray(array).reshape(-1)
            for begin in range(0, flat.size, CHUNK):
                part = flat[begin : begin + CHUNK]
                place = self.values[start + begin : start + begin + part.size]
                if first:
                    np.multiply(part, weight, out=place, dtype=np.float64)
                elif weight == 1:  # the same bits, one pass fewer
                    place += part
                else:
                    place += np.multiply(part, weight, out=self._product[: part.size], dtype=np.float64)
            start += flat.size


def mean_of_groups(
    totals: Sequence[NDArray[np.float64]], weight: float, like: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[np.float32]]:
    """Return the weighted mean of all replies as float32 arrays.

    Parameters
    ----------
    totals : sequence of ndarray of float64
        The weighted sum of each group, in the order of the groups.
    weight : float
        The sum of all weights; not zero.
    like : mapping
        Arrays whose names and shapes the mean has.
    """
    means, start = {}, 0
    for name, array in like.items():
        flat = np.empty(array.size, np.float32)
        for begin in range(0, array.size, CHUNK):
            end = min(begin + CHUNK, array.size)
            part = np.array(totals[0][start + begin : start + end])
            for total in totals[1:]:
                part += total[start + begin : start + end]
            np.divide(part, weight, out=flat[begin:end], casting="same_kind")
        means[name] = flat.reshape(array.shape)
        start += array.size
    return means
