"""Where noise comes from: the operating system, or a seed that voids the guarantee."""

from __future__ import annotations

import os
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Shape = int | tuple[int, ...]


class Noise:
    """Gaussian and Laplace noise by inversion of uniform numbers of 52 bits.

    Attributes
    ----------
    origin : str
        What a ledger records: ``"secure"``, or ``"reproducible"``, which voids the guarantee.
    """

    origin: ClassVar[str]

    def uniform(self, shape: Shape) -> NDArray[np.float64]:
        """Return numbers strictly between 0 and 1, on the midpoints of a grid of 2⁻⁵² steps."""
        raise NotImplementedError

    def normal(self, shape: Shape, scale: float = 1.0) -> NDArray[np.float64]:
        """Return Gaussian noise of standard deviation ``scale``."""
        return np.asarray(ndtri(self.uniform(shape)) * scale)

    def laplace(self, shape: Shape, scale: float = 1.0) -> NDArray[np.float64]:
        """Return Laplace noise of scale ``scale`` (standard deviation √2 times that)."""
        centred = self.uniform(shape) - 0.5
        return np.asarray(-scale * np.sign(centred) * np.log1p(-2 * np.abs(centred)))


class SecureNoise(Noise):
    """Every draw from the operating system's secure source (``os.urandom``, 64 fresh bits a number).

    It cannot be seeded and cannot be drawn again: store what is released. Limits: the numbers are floating point and
    their tails end at about 8 standard deviations, so the guarantee holds for idealised real arithmetic; the low
    bits of a floating-point sum can in theory betray what was added to (Mironov 2012). Releasing only an argmax, as
    the voting mechanisms do, hides them.
    """

    origin = "secure"

    def uniform(self, shape: Shape) -> NDArray[np.float64]:
        count = int(np.prod(shape))
        return _midpoints(np.frombuffer(os.urandom(8 * count), dtype=np.uint64)).reshape(shape)


class ReproducibleNoise(Noise):
    """The same numbers for the same seed. For simulations: who knows the seed subtracts the noise."""

    origin = "reproducible"

    def __init__(self, seed: int | np.random.SeedSequence) -> None:
        self._generator = np.random.Generator(np.random.PCG64(seed))

    def uniform(self, shape: Shape) -> NDArray[np.float64]:
        return _midpoints(self._generator.integers(0, 2**64, size=shape, dtype=np.uint64))


def _midpoints(bits: NDArray[np.uint64]) -> NDArray[np.float64]:
    # 52 bits and a half: the midpoint of the last cell would round to 1 with 53.
    return np.asarray(((bits >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52)
