"""How far rounding may widen what one utterance moves, so that clipping a little earlier pays for it."""

from __future__ import annotations

import math

from fedasr.common.errors import RowError
from fedasr.privacy.noise_grid import FINENESS

UNIT = 2.0**-53
"""Unit roundoff of float64."""
BESIDE = 2.0**-9
"""What is allowed for float32: an utterance more in a batch moves the others' gradients by a rounding.

This part is measured, not proven: 5·10⁻⁶ of the clip in `benchmarks/float_noise.py`.
"""


def clip_within(clip_norm: float, values: int, most_drawn: float) -> float:
    """Return the norm to clip gradients to, so that one moves the sum on its grid by `clip_norm` at most.

    Let u be `UNIT`, d the values, n the utterances drawn. A norm, of d squares, errs by (d + 4)u of itself and the
    scaled gradient by 4u more. A sum of n numbers errs by (n + 2)u of the sum of their sizes in whatever order, so also
    piece by piece and lane by lane, zeros counting nothing (Higham, Accuracy and Stability of Numerical Algorithms,
    2002, section 4.2), and rounding it to whole steps g of the grid by g/2 and 4u of
    it: in both neighbours together 2n(n + 8)u of the clip, and √d·g, which is a `FINENESS`-th of it at most.

    Parameters
    ----------
    clip_norm : float
    values : int
        Of a gradient.
    most_drawn : float
        Utterances in a step, at most.

    Raises
    ------
    RowError
        Where rounding could move the sum by half the clip: tens of millions of utterances in a step.
    """
    proven = 1 / FINENESS + (values + 16) * UNIT + 2 * most_drawn * (most_drawn + 8) * UNIT
    if proven > 0.5:
        raise RowError(
            f"the sum of {most_drawn:g} gradients of {values} values has no sure rounding; take fewer a step"
        )
    return clip_norm * (1 - proven - BESIDE)


def most_drawn(expected: float, examples: int) -> float:
    """Return how many utterances a step draws at most, but for a chance below 2⁻¹⁶⁰.

    By Bernstein's inequality twice what is expected and 100 more come with a chance of at most
    e^(−(b + 100)²/(2b + ⅔(b + 100))), b what is expected; that is below e^(−112) for any b.
    """
    return min(2 * math.ceil(expected) + 100, examples)
