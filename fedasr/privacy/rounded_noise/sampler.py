"""Draws noise rounded to a grid: whole numbers whose chances are exactly the real noise's over each grid cell.

|Z| is drawn by rejection inside a coarse cell (`fedasr.privacy.rounded_noise.cells`): the cell by its exact
probability, a place in it uniformly, to be kept with probability e^−y, y the fall of the density from the cell's
near edge to the place. Each uniform number is the first bits of one that goes on; nearly always they decide
(1 − y < e^−y for most, partial sums of its series for the others), and where they do not, more bits are drawn and
mpmath compares (`fedasr.privacy.rounded_noise.undecided`). So no comparison rests on a function of floating point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedasr.privacy.rounded_noise.cells import KEY_BITS, TRIAL_BITS, WIDTH, WIDTH_BITS, WORD_BITS, Cells, cells_of
from fedasr.privacy.rounded_noise.shapes import Shape
from fedasr.privacy.rounded_noise.undecided import Uniform, Words, exact_cell, exact_trial

FINE_BITS = 64 - KEY_BITS - 1 - TRIAL_BITS
PLACES = WIDTH_BITS + FINE_BITS
"""Binary places of |Z| that the first word holds."""
MOST_PLACES = 42
"""The finest grid: noise of 2,048 scales is below 2⁵³ steps of it, which float64 holds exactly."""
BLOCK = 1 << 14
"""Numbers that are drawn together: their words stay in the processor's cache."""
_SIGN = np.uint64(1 << 47)


@dataclass
class Places:
    """Places in coarse cells, still to be accepted: one of each array a number.

    Attributes
    ----------
    cell : ndarray of int64
    fine : ndarray of uint64
        Where in the cell: `FINE_BITS` bits.
    low : ndarray of uint64
        The bits that follow, `extra` of them.
    trial : ndarray of uint64
        `TRIAL_BITS` bits of the uniform number that accepts or rejects.
    extra : int
    """

    cell: NDArray[np.int64]
    fine: NDArray[np.uint64]
    low: NDArray[np.uint64]
    trial: NDArray[np.uint64]
    extra: int

    def put(self, at: NDArray[np.intp], word: NDArray[np.uint64], low: NDArray[np.uint64]) -> None:
        """Take other places and trials, in the same cells."""
        self.fine[at], self.trial[at], self.low[at] = _fine(word), _trial(word), low


def rounded(shape: Shape, count: int, places: int, words: Words) -> NDArray[np.int64]:
    """Return ``round(Z · 2^places)`` of so many independent Z.

    Parameters
    ----------
    shape : Shape
    count : int
    places : int
        At most `MOST_PLACES`; negative for a grid that is coarser than the noise.
    words : callable
        The source of random bits.
    """
    if places > MOST_PLACES:
        raise ValueError(f"{places} binary places: {MOST_PLACES} at most")
    cells = cells_of(shape)
    found = np.empty(count, np.int64)
    for at in range(0, count, BLOCK):
        found[at : at + BLOCK] = _block(cells, min(BLOCK, count - at), places, words)
    return found


def _block(cells: Cells, count: int, places: int, words: Words) -> NDArray[np.int64]:
    extra = max(0, places + 1 - PLACES)
    word, low = words(count), _low(count, extra, words)
    cell, fine = cells.guide[word >> np.uint64(64 - KEY_BITS)], _fine(word)
    left = np.flatnonzero(_trial(word) >= cells.sure[cell])
    found = Places(cell[left].astype(np.int64), fine[left], low[left], _trial(word[left]), extra)
    _choose_cells(cells, found, word[left], words)
    _accept(cells.shape, found, words)
    magnitude = cell.astype(np.int64) << FINE_BITS | fine.astype(np.int64)
    magnitude[left] = found.cell << FINE_BITS | found.fine.astype(np.int64)
    if extra:
        low[left] = found.low
        magnitude = magnitude << extra | low.astype(np.int64)
    dropped = min(PLACES + extra - places, 40)  # all of it is below 2³⁹
    nearest = (magnitude + (1 << dropped - 1)) >> dropped
    return np.asarray(np.where(word & _SIGN, -nearest, nearest))


def _choose_cells(cells: Cells, found: Places, word: NDArray[np.uint64], words: Words) -> None:
    """Choose the cells that the first bits left open."""
    is_open = np.flatnonzero(found.cell == len(cells.edges))
    key, more = word[is_open] >> np.uint64(64 - KEY_BITS), words(len(is_open))
    rest = WORD_BITS - KEY_BITS
    uniform = (key << np.uint64(rest) | more >> np.uint64(64 - rest)).astype(np.int64)
    found.cell[is_open] = np.searchsorted(cells.edges, uniform, side="right") - 1
    for place in is_open[cells.edges[found.cell[is_open]] == uniform]:
        bits = int(uniform[np.searchsorted(is_open, place)])
        at_least = max(int(np.searchsorted(cells.edges, bits)) - 1, 0)
        found.cell[place] = exact_cell(cells.shape, Uniform(bits, WORD_BITS), at_least, words)


def _accept(shape: Shape, found: Places, words: Words) -> None:
    """Draw places until each is accepted."""
    waiting = np.arange(len(found.cell))
    while len(waiting):
        waiting = waiting[~_accepted(shape, found, waiting, words)]
        found.put(waiting, words(len(waiting)), _low(len(waiting), found.extra, words))


def _accepted(shape: Shape, found: Places, at: NDArray[np.intp], words: Words) -> NDArray[np.bool_]:
    """Return which trials lie below the density: by partial sums of e^−y, which it lies between, or exactly."""
    near, trial = WIDTH * found.cell[at], found.trial[at] * 2.0**-TRIAL_BITS
    y = shape.fall(near, found.fine[at] * 2.0**-PLACES)
    least = 1 - y + y**2 / 2 - y**3 / 6
    # Bits not looked at move the place by 2⁻²⁶, y by (near + 1/16) times that, and the trial by 2⁻²⁵.
    unseen = 2.0**-24 * (1 + near)
    accepted = trial < least - unseen
    for one in np.flatnonzero(~accepted & (trial <= least + y**4 / 24 + unseen)):
        place = Uniform(int(found.fine[at[one]]) << found.extra | int(found.low[at[one]]), FINE_BITS + found.extra)
        uniform = Uniform(int(found.trial[at[one]]), TRIAL_BITS)
        accepted[one] = exact_trial(shape, int(found.cell[at[one]]), place, uniform, words)
    return np.asarray(accepted)


def _fine(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return word >> np.uint64(TRIAL_BITS) & np.uint64((1 << FINE_BITS) - 1)


def _trial(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return word & np.uint64((1 << TRIAL_BITS) - 1)


def _low(count: int, extra: int, words: Words) -> NDArray[np.uint64]:
    return words(count) >> np.uint64(64 - extra) if extra else np.zeros(count, np.uint64)
