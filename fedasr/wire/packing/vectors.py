"""The arrays of a message as one vector, and the residual that error feedback adds to it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fedasr.wire.codec import Arrays, State, WireError, check_float32

Vector = NDArray[np.float32]

CHUNK = 1 << 16
"""Values that are worked on at once: 256 KiB stay in the cache between one operation and the next."""


def chunks(elements: int) -> Iterator[slice]:
    """Yield the slices of a vector, one cache-sized chunk after another."""
    for start in range(0, elements, CHUNK):
        yield slice(start, min(start + CHUNK, elements))


def gather(arrays: Arrays, state: State) -> Vector:
    """Return a new vector: all values in order, plus the residual of the state where it has one.

    Raises
    ------
    WireError
        Where a value is not finite, alone or with its residual, an array is not float32, or the residual is that of
        another model.
    """
    check_float32(arrays)
    vector = np.empty(sum(array.size for array in arrays.values()), np.float32)
    residual = _residual(state, vector.size)
    start = 0
    with np.errstate(over="ignore", invalid="ignore"):
        for name, array in arrays.items():
            end = start + array.size
            _add(name, np.asarray(array, np.float32).reshape(-1), residual[start:end], vector[start:end])
            start = end
    return vector


def check_finite(vector: Vector, what: str) -> None:
    """Raise a `WireError` where a value is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        # One NaN or infinity shows in the sum; a sum that overflows without one is looked at more closely.
        if not np.isfinite(vector.sum()) and not np.isfinite(vector).all():
            raise WireError(f"{what} holds a value that is not finite")


def _residual(state: State, elements: int) -> Vector:
    residual = state.get("residual")
    if residual is None:
        return np.empty(0, np.float32)
    if residual.shape != (elements,) or residual.dtype != np.float32:
        raise WireError(f"the residual has shape {residual.shape} and type {residual.dtype}, not {elements} float32")
    return residual


def _add(name: str, values: Vector, residual: Vector, out: Vector) -> None:
    for part in chunks(values.size):
        if residual.size:
            np.add(values[part], residual[part], out=out[part])
        else:
            out[part] = values[part]
        check_finite(out[part], f"array {name!r} (with its residual, if any)")
