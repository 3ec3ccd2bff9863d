"""The public grid on which private contributions are summed, and to which noise is rounded.

A sum of floating-point numbers and floating-point noise has outputs that only one of two neighbours can produce
(Mironov 2012). Here every contribution is a whole number of steps g = σ·2^−m, so that their sum x is exact in whatever
order it is taken, and noise is σZ rounded to whole steps, drawn exactly. Then ``x + round(σZ)`` equals
``round(x + σZ)``: the real mechanism's output, rounded. What accountants say of the real mechanism holds for it, of
sampled, composed and adaptive ones alike, and whatever is computed from it (float32 too) costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import RowError
from fedasr.privacy.noise import Noise
from fedasr.privacy.rounded_noise.sampler import MOST_PLACES

FINENESS = 1024
"""How often √d·g goes into what one contribution may be long."""
SHRUNK = 1 - 2.0**-30
"""What becomes of a contribution before it is put on a grid: float64 rounds σ, and it, by far less than this takes."""

LARGEST_SUM = 2.0**52
"""Of whole numbers that float64 adds up exactly, in any order."""
LARGEST_NORM = 2.0**31
"""In steps, of an array whose square is counted in 64 bits."""
LEAST_STEP = 2.0**-900
"""Far enough from the smallest float64 for σ · 2^−m to be exact."""


@dataclass(frozen=True)
class NoiseGrid:
    """Whole multiples of a step.

    Attributes
    ----------
    scale : float
        σ, the standard deviation of Gaussian noise, or the scale of Laplace noise.
    places : int
        m: a step is ``scale`` · 2^−m.
    """

    scale: float
    places: int

    @classmethod
    def fine_enough(cls, scale: float, bound: float, values: int, contributions: int = 1) -> NoiseGrid:
        """Return the coarsest grid with √values · g at most bound / `FINENESS`.

        Parameters
        ----------
        scale : float
            Above 0.
        bound : float
            The largest norm of a contribution.
        values : int
            Of a contribution.
        contributions : int
            How many are summed, at most.

        Raises
        ------
        RowError
            Where there is none on which so many are summed exactly: the noise is billions of times as large as what it
            hides, or there are trillions of contributions.
        """
        places = math.ceil(math.log2(scale / bound) + math.log2(FINENESS * math.sqrt(max(values, 1))))
        found = cls(scale, places)
        if places > MOST_PLACES or found.step < LEAST_STEP or contributions * bound / found.step > LARGEST_SUM:
            raise RowError(f"{contributions} contributions of {bound:g} and noise of {scale:g} have no exact sum")
        return found

    @property
    def step(self) -> float:
        """The step g."""
        return math.ldexp(self.scale, -self.places)

    def towards_zero(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return values, made smaller by one 2⁻³⁰th, in whole steps, rounded towards zero."""
        return np.asarray(np.trunc(np.multiply(values, SHRUNK / self.step, dtype=np.float64)))

    def nearest(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return values in whole steps, rounded to the nearest: each by half a step at most."""
        return np.asarray(np.rint(np.divide(values, self.step, dtype=np.float64)))

    def noisy(self, steps: NDArray[np.generic], noise: Noise) -> NDArray[np.float64]:
        """Return what whole steps are worth after Gaussian noise."""
        return self.worth(steps.astype(np.int64) + noise.rounded_normal(steps.shape, self.places))

    def worth(self, steps: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what whole steps are worth."""
        return np.asarray(np.multiply(steps, self.step, dtype=np.float64))

    def contribution(self, arrays: Mapping[str, NDArray[np.floating]], bound: float) -> dict[str, NDArray[np.float64]]:
        """Return arrays of a norm of at most the bound, all together, in whole steps, their norm never above it.

        The norm is checked in whole numbers; what is too long by a rounding is made shorter by a step.

        Raises
        ------
        RowError
            Where whole numbers of 64 bits do not hold the squares: the arrays are far longer than the bound.
        """
        steps = {name: self.towards_zero(array) for name, array in arrays.items()}
        most = math.floor((Fraction(bound) / Fraction(self.step)) ** 2 * Fraction(SHRUNK))
        while sum(_square(part) for part in steps.values()) > most:
            steps = {name: np.trunc(part * (1 - 2.0**-20)) for name, part in steps.items()}
        return steps


def _square(steps: NDArray[np.float64]) -> int:
    """Return the squared norm, exactly, below 2⁶³."""
    flat = steps.reshape(-1)
    if not float(np.dot(flat, flat)) < LARGEST_NORM**2:
        raise RowError("a contribution is billions of steps of its grid long: 64 bits do not hold its norm")
    whole = flat.astype(np.int64)
    return int(np.dot(whole, whole))
