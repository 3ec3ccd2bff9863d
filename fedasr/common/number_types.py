"""What type a result of float64 arithmetic has: that of the numbers that went in, where it can hold the result."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

ROUNDING = 4 * np.finfo(np.float64).eps
"""A weighted mean of equal whole numbers lies no further from them, relative to their size."""
EXACT = 2**53
"""Up to here float64 holds every whole number."""


def averageable(array: NDArray[Any]) -> bool:
    """Return whether float64 holds every value of an array: floats of up to 64 bits, booleans, integers up to 2^53."""
    if array.dtype.kind == "f":
        return array.dtype.itemsize <= 8
    if array.dtype.kind not in "iub":
        return False
    return array.dtype.itemsize < 8 or not array.size or max(-int(array.min()), int(array.max())) <= EXACT


def in_type(values: NDArray[np.float64], kind: np.dtype[Any]) -> NDArray[Any]:
    """Return the result of float64 arithmetic in a type.

    Parameters
    ----------
    values : ndarray of float64
    kind : numpy.dtype
        What the result would be. Floats are rounded to it. Integers and booleans are not: where a value is no whole
        number of that type (the mean of the counts 2 and 3), all stay float64, as they do in Flower's own averages.
    """
    if kind.kind == "f":
        return np.asarray(values, kind)
    whole = np.rint(values)
    if not (np.abs(values - whole) <= ROUNDING * np.abs(whole)).all():
        return values
    least, most = (0, 1) if kind.kind == "b" else (np.iinfo(kind).min, np.iinfo(kind).max)
    return whole.astype(kind) if ((whole >= least) & (whole <= min(most, EXACT))).all() else values
