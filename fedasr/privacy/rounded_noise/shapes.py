"""What a sampler must know of a symmetric distribution: how far from 0 it reaches, and how its density falls."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import mpmath
import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", float, NDArray[np.float64], Any)


class Shape(Hashable, Protocol):
    """A symmetric distribution of scale 1 whose density never rises away from 0; Z is drawn from it."""

    def within(self, bound: Any, real: mpmath.MPContext) -> Any:
        """Return the chance that |Z| is below a bound, in the arithmetic of the context."""

    def fall(self, near: Number, beyond: Number) -> Number:
        """Return −ln of the density at ``near + beyond`` over that at ``near``; it grows with both."""


@dataclass(frozen=True)
class Gaussian:
    """Density e^(−x²/2)/√(2π)."""

    def within(self, bound: Any, real: mpmath.MPContext) -> Any:
        return real.erf(bound / real.sqrt(2))

    def fall(self, near: Number, beyond: Number) -> Number:
        return beyond * (near + beyond / 2)


@dataclass(frozen=True)
class Laplace:
    """Density e^(−|x|)/2."""

    def within(self, bound: Any, real: mpmath.MPContext) -> Any:
        return -real.expm1(-bound)

    def fall(self, near: Number, beyond: Number) -> Number:
        return beyond
