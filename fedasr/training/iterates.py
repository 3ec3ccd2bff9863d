"""Which iterates of a training count, and their mean.

The last iterate of a training by noisy gradients is one draw of that noise; the mean of its last third has less of it.
Averaging of iterates: Polyak & Juditsky (SIAM J. Control Optim. 30, 1992); of the last ones alone: Rakhlin, Shamir &
Sridharan (ICML 2012, arXiv 1109.5647, section 5, suffix averaging).

Privacy. A mean of iterates that were released under a guarantee is post-processing: it costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

MEAN, LAST, BEST = "mean", "last", "best"
"""By which weights a row may be scored: the mean of the last third of its rounds, the last, the best on development."""
ONE_MEAN = "each row is scored by the mean of its last third already (the experiment's scored = 'mean'); leave it out"
"""Why no strategy and no protection has an average of its own."""
COUNT, VALUES = "count", "mean/"
"""The names of what an `IterateMean` keeps."""
Arrays = Mapping[str, NDArray[Any]]


def counts(number: int, of: int) -> bool:
    """Return whether an iterate, the first being 1, is among the last third of so many, rounded up."""
    return number > of - -(-of // 3)


class IterateMean:
    """The mean of the iterates that were added, in float64, updated in place: one copy of a model.

    Arrays of integers, booleans and numbers that float64 does not hold are no means of anything: the last one counts.

    Attributes
    ----------
    count : int
        The iterates so far.
    """

    def __init__(self) -> None:
        self.count = 0
        self._arrays: dict[str, NDArray[Any]] = {}

    def add(self, weights: Arrays) -> None:
        """Count one more iterate; its names are those of the others."""
        self.count += 1
        for name, value in weights.items():
            mean = self._arrays.get(name)
            if mean is None or not _is_averaged(value):
                self._arrays[name] = np.array(value, np.float64 if _is_averaged(value) else None)
            else:  # not a sum: what all iterates have alike stays so to the bit
                mean += (value - mean) / self.count

    def weights(self) -> dict[str, NDArray[Any]]:
        """Return the mean, to be read; empty where nothing was added."""
        return dict(self._arrays)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what `restore` takes, as arrays by name."""
        means = {f"{VALUES}{name}": array.copy() for name, array in self._arrays.items()}
        return {COUNT: np.array([self.count]), **means}

    def restore(self, arrays: Arrays) -> None:
        """Continue from what `state` returned; other arrays may stand beside it."""
        self.count = int(arrays[COUNT].item())
        self._arrays = {n.removeprefix(VALUES): np.array(a) for n, a in arrays.items() if n.startswith(VALUES)}


def _is_averaged(array: NDArray[Any]) -> bool:
    return array.dtype.kind == "f" and array.dtype.itemsize <= 8
