"""Averages of iterates: they cost no privacy, and their noise is smaller than that of the last iterate."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.recogniser import Weights


class Average:
    """The average of a training's last iterates.

    Parameters
    ----------
    share : float
        The share of the steps, the last ones, whose iterates count; 0 keeps none.
    decay : float
        1 averages them evenly; less lets an iterate's weight fall by this factor a step.
    """

    def __init__(self, share: float, decay: float = 1.0) -> None:
        self._share, self._decay = share, decay
        self._mean: dict[str, NDArray[np.float64]] = {}
        self._count = 0

    def add(self, step: int, steps: int, weights: Mapping[str, NDArray[np.floating]]) -> None:
        """Count the weights after a step (the first is 1), if it is late enough."""
        if step <= steps - round(self._share * steps):
            return
        self._count += 1
        # Until enough iterates are there, the decaying average is the even one: no bias towards the first.
        rate = max(1 - self._decay, 1 / self._count)
        for name, value in weights.items():
            mean = self._mean.setdefault(name, np.zeros(value.shape))
            mean += rate * (value - mean)

    def weights(self) -> Weights:
        """Return the average in float64, nothing where no iterate has counted."""
        return dict(self._mean) if self._count else {}

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return what `restore` takes, as arrays by name."""
        return {"count": np.array(self._count), **{f"mean/{name}": mean.copy() for name, mean in self._mean.items()}}

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Continue from what `state` returned."""
        self._count = int(arrays["count"])
        self._mean = {n[5:]: np.array(a, np.float64) for n, a in arrays.items() if n.startswith("mean/")}
