"""Where noise comes from: the operating system, or a seed that voids the guarantee."""

from __future__ import annotations

import math
import os
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fedasr.privacy.rounded_noise.sampler import rounded
from fedasr.privacy.rounded_noise.shapes import Gaussian, Laplace

Shape = int | tuple[int, ...]
FINE_PLACES = 40
"""Binary places of noise that is no whole number of steps of anything."""


class Noise:
    """Gaussian and Laplace noise rounded to a grid, and coins, each with exactly the chances it should have.

    Attributes
    ----------
    origin : str
        What a ledger records: ``"secure"``, or ``"reproducible"``, which voids the guarantee.
    """

    origin: ClassVar[str]

    def words(self, count: int) -> NDArray[np.uint64]:
        """Return words of 64 random bits: all chance comes from them."""
        raise NotImplementedError

    def rounded_normal(self, shape: Shape, places: int) -> NDArray[np.int64]:
        """Return Gaussian noise of standard deviation 1, rounded to whole multiples of 2^−places."""
        return rounded(Gaussian(), math.prod(np.atleast_1d(shape).tolist()), places, self.words).reshape(shape)

    def rounded_laplace(self, shape: Shape, places: int) -> NDArray[np.int64]:
        """Return Laplace noise of scale 1 (standard deviation √2), rounded to whole multiples of 2^−places."""
        return rounded(Laplace(), math.prod(np.atleast_1d(shape).tolist()), places, self.words).reshape(shape)

    def normal(self, shape: Shape, scale: float = 1.0) -> NDArray[np.float64]:
        """Return Gaussian noise of a standard deviation, in floating point.

        What it is added to in floating point shows in the low bits of the sum: for a guarantee put what is released
        on a grid (`fedasr.privacy.noise_grid`).
        """
        return np.multiply(self.rounded_normal(shape, FINE_PLACES), math.ldexp(scale, -FINE_PLACES), dtype=np.float64)

    def coins(self, count: int, rate: float) -> NDArray[np.bool_]:
        """Toss coins that fall on their head with a probability of ``floor(2⁶⁴ rate)/2⁶⁴``, never above the rate."""
        if rate >= 1:
            return np.ones(count, np.bool_)
        return self.words(count) < np.uint64(math.floor(math.ldexp(rate, 64)))

    def seed(self) -> int:
        """Return a number below 2⁵² for a generator of what is no noise."""
        return int(self.words(1)[0]) >> 12


class SecureNoise(Noise):
    """Every draw from the operating system's secure source (``os.urandom``, 64 fresh bits a number, more where needed).

    It cannot be seeded and cannot be drawn again: store what is released.
    """

    origin = "secure"

    def words(self, count: int) -> NDArray[np.uint64]:
        return np.frombuffer(os.urandom(8 * count), dtype=np.uint64)


class ReproducibleNoise(Noise):
    """The same numbers for the same seed. For simulations: who knows the seed subtracts the noise."""

    origin = "reproducible"

    def __init__(self, seed: int | np.random.SeedSequence) -> None:
        self._generator = np.random.Generator(np.random.PCG64(seed))

    def words(self, count: int) -> NDArray[np.uint64]:
        return self._generator.integers(0, 2**64, size=count, dtype=np.uint64)
