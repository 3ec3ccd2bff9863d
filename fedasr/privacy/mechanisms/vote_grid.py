"""The public grid on which votes are counted, and to which their noise is rounded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedasr.privacy.noise_grid import FINENESS, NoiseGrid

SHRUNK = 1 - 2.0**-15
"""What a vote counts: the rest pays for rounding to steps of at most 2⁻¹⁶ of the largest weight."""


@dataclass(frozen=True)
class VoteGrid:
    """Counts of votes in whole steps g of a `NoiseGrid`; one teacher moves none by more than its weight.

    A count is taken 2⁻¹⁵ smaller than it is and rounded down. A teacher of weight w, the largest, moves it in real
    numbers by w(1 − 2⁻¹⁵)/g steps at most; rounding down adds less than one step, and float64 (weights that are
    added up, the quotient) less than another for up to 2²⁸ teachers. As g ≤ 2⁻¹⁶ w, that is w/g in all, which is what
    is charged.

    Parameters
    ----------
    scale : float
        Of the noise, in votes; above 0.
    largest_weight : float

    Raises
    ------
    RowError
        Where the noise is tens of millions of times as large as a vote.
    """

    scale: float
    largest_weight: float

    @property
    def grid(self) -> NoiseGrid:
        """The grid."""
        return NoiseGrid.fine_enough(self.scale, (self.largest_weight or 1.0) * FINENESS / 2**16, 1)

    @property
    def places(self) -> int:
        """Of the noise, in binary."""
        return self.grid.places

    def in_steps(self, votes: float) -> float:
        """Return a public number of votes in steps."""
        return votes * (SHRUNK / self.grid.step)

    def steps(self, votes: NDArray[np.integer] | NDArray[np.floating]) -> NDArray[np.int64]:
        """Return counts in whole steps."""
        return np.asarray(np.floor(votes * (SHRUNK / self.grid.step)), np.int64)
