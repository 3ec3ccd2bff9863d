"""The coarse cells of a distribution: which one a random word falls into, by whole numbers alone.

A word of 63 bits is the beginning of a uniform number U in [0, 1) that has more bits than anybody will look at. Cell j
is where |Z| lies in [j, j + 1) · `WIDTH`; U chooses it by the distribution function of |Z|. The first `KEY_BITS` bits
nearly always tell which.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import mpmath
import numpy as np
from numpy.typing import NDArray

from fedasr.privacy.rounded_noise.shapes import Shape

WIDTH_BITS, KEY_BITS, WORD_BITS, TRIAL_BITS = 4, 16, 63, 25
WIDTH = 2.0**-WIDTH_BITS
LAST = 1 << 11 + WIDTH_BITS
"""The last cell, at 2,048 scales: it has all that lies beyond, a mass below 2⁻²⁹⁰⁰."""
_GUARD = 96


@dataclass(frozen=True)
class Cells:
    """The tables of a distribution.

    Attributes
    ----------
    shape : Shape
    edges : ndarray of int64
        ``floor(2⁶³ P(|Z| < j · WIDTH))`` for j = 0, 1, …, up to the first that is 2⁶³ − 1.
    guide : ndarray of uint16
        The cell of each key; one more than the last where a key leaves it open.
    sure : ndarray of uint64
        A trial of `TRIAL_BITS` bits below this is accepted wherever in the cell it is made; 0 for the open ones.
    """

    shape: Shape
    edges: NDArray[np.int64]
    guide: NDArray[np.uint16]
    sure: NDArray[np.uint64]


@functools.lru_cache(maxsize=8)
def cells_of(shape: Shape) -> Cells:
    """Return the tables of a distribution."""
    edges = np.array(_edges(shape))
    keys = np.arange(1 << KEY_BITS)
    guide = np.searchsorted(edges, keys << (WORD_BITS - KEY_BITS), side="right") - 1
    guide[np.unique(edges >> (WORD_BITS - KEY_BITS))] = len(edges)
    near = WIDTH * np.arange(len(edges))
    surely = np.maximum(1 - shape.fall(near, np.full(len(edges), WIDTH)) - 2.0**-40, 0)  # 1 − y < e^−y
    sure = np.append(np.floor(surely * 2.0**TRIAL_BITS), 0)
    return Cells(shape, edges, guide.astype(np.uint16), sure.astype(np.uint64))


def _edges(shape: Shape) -> list[int]:
    found, real = [0], mpmath.MPContext()
    while found[-1] < (1 << WORD_BITS) - 1:
        found.append(edge_bits(shape, len(found), WORD_BITS, real))
    return found


def edge_bits(shape: Shape, cell: int, bits: int, real: mpmath.MPContext) -> int:
    """Return the first bits of the chance that |Z| lies below a cell: ``floor(2^bits P)``, exactly.

    Parameters
    ----------
    shape : Shape
    cell, bits : int
    real : mpmath.MPContext
        The arithmetic; its precision is set.
    """
    precision = bits + _GUARD
    while True:
        real.prec = precision
        scaled = real.ldexp(shape.within(real.ldexp(real.mpf(cell), -WIDTH_BITS), real), bits)
        # mpmath's functions err by units of the last place, and this is 2³² of them.
        error = real.ldexp(real.mpf(1), bits - precision + 32) if cell else 0
        low, high = int(real.floor(scaled - error)), int(real.floor(scaled + error))
        if low == high:
            return low
        precision *= 2
