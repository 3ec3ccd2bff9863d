"""Comparisons that the first bits of a uniform number leave open: more bits are drawn until they are decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mpmath
import numpy as np
from numpy.typing import NDArray

from fedasr.privacy.rounded_noise.cells import LAST, WIDTH_BITS, edge_bits
from fedasr.privacy.rounded_noise.shapes import Shape

Words = Callable[[int], NDArray[np.uint64]]
"""Returns so many fresh words of 64 random bits."""
MORE_BITS = 64


@dataclass(frozen=True)
class Uniform:
    """A uniform number in [0, 1) of which the first bits are known.

    Attributes
    ----------
    bits : int
        The known bits as a whole number: it lies in ``[bits, bits + 1) · 2^−known``.
    known : int
    """

    bits: int
    known: int

    def longer(self, words: Words) -> Uniform:
        """Return the same number with more of it known."""
        return Uniform(self.bits << MORE_BITS | int(words(1)[0]), self.known + MORE_BITS)


def exact_cell(shape: Shape, uniform: Uniform, at_least: int, words: Words) -> int:
    """Return the cell that a uniform number chooses, known to be `at_least` some cell."""
    cell, real = at_least, mpmath.MPContext()
    while cell < LAST:
        while (edge := edge_bits(shape, cell + 1, uniform.known, real)) == uniform.bits:
            uniform = uniform.longer(words)
        if uniform.bits < edge:
            break
        cell += 1
    return cell


def exact_trial(shape: Shape, cell: int, place: Uniform, trial: Uniform, words: Words) -> bool:
    """Return whether a trial is below the density at a place in a cell, relative to that at the cell's near edge.

    Parameters
    ----------
    shape : Shape
    cell : int
    place : Uniform
        Where in the cell, from 0 at its near edge.
    trial : Uniform
    words : callable
    """
    real = mpmath.MPContext()
    near = real.ldexp(real.mpf(cell), -WIDTH_BITS)
    while True:
        real.prec = 2 * (place.known + trial.known) + 64
        below, above = (real.ldexp(real.mpf(place.bits + end), -place.known - WIDTH_BITS) for end in (0, 1))
        most, least = (real.exp(-shape.fall(near, beyond)) for beyond in (below, above))
        error = real.ldexp(1, -real.prec // 2 - 16)  # mpmath's exp errs by units of the last place
        if real.ldexp(trial.bits + 1, -trial.known) <= least - error:
            return True
        if real.ldexp(trial.bits, -trial.known) >= most + error:
            return False
        place, trial = place.longer(words), trial.longer(words)
