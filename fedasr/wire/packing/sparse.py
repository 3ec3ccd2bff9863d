"""A sparse vector of signs, and the step of gradient threshold compression that makes one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedasr.wire.codec import WireError
from fedasr.wire.packing.vectors import CHUNK, Vector, check_finite, chunks


@dataclass(frozen=True)
class Sparse:
    """Where a vector is +τ or −τ; elsewhere it is zero.

    Attributes
    ----------
    indices : ndarray of int64
        Ascending.
    signs : ndarray of int8
        +1 or −1 for each index.
    """

    indices: NDArray[np.int64]
    signs: NDArray[np.int8]

    @classmethod
    def empty(cls) -> Sparse:
        """Return a vector of zeros."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int8))

    @property
    def count(self) -> int:
        """The number of values that are not zero."""
        return self.indices.size

    def dense(self, threshold: np.float32, elements: int) -> Vector:
        """Return the vector with all its zeros."""
        values = np.zeros(elements, np.float32)
        values[self.indices] = threshold * self.signs
        return values

    def add_to(self, total: NDArray[np.floating], threshold: np.float32, weight: float) -> None:
        """Add the vector, times a weight, to a dense one."""
        step = total.dtype.type(float(threshold) * weight)
        total[self.indices] += step * self.signs


def threshold_step(residual: Vector, gradient: Vector, threshold: float) -> tuple[Sparse, Vector]:
    """Return what leaves a sender, and the residual that waits for its next message.

    Exactly the threshold, as float32, is taken off each value that reaches it, once; the rest waits, so
    that threshold · sent + residual stays the sum of all gradients.

    Raises
    ------
    WireError
        Where a sum is not finite, the threshold is not positive, or the lengths differ. Nothing is changed.
    """
    if residual.shape != gradient.shape:
        raise WireError(f"a residual of shape {residual.shape} for a gradient of shape {gradient.shape}")
    if not 0 < np.float32(threshold) < np.inf:
        raise WireError(f"a threshold of {threshold} is not above 0 and finite")
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.add(residual, gradient, dtype=np.float32)
    check_finite(total, "the gradient or its residual")
    return take(total, np.float32(threshold)), total


def take(values: Vector, threshold: np.float32) -> Sparse:
    """Take the threshold off each value that reaches it, in place, and return where that was."""
    magnitude, reached = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.bool_)
    indices, signs = [np.empty(0, np.int64)], [np.empty(0, np.int8)]
    for part in chunks(values.size):
        chunk = values[part]
        np.abs(chunk, out=magnitude[: chunk.size])
        np.greater_equal(magnitude[: chunk.size], threshold, out=reached[: chunk.size])
        here = np.flatnonzero(reached[: chunk.size])
        if here.size:
            large = chunk[here]
            chunk[here] = large - np.copysign(threshold, large)
            signs.append(np.where(large > 0, np.int8(1), np.int8(-1)))
            indices.append(here + part.start)
    return Sparse(np.concatenate(indices), np.concatenate(signs))
