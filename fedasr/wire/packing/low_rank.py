"""One power iteration and the product of two thin matrices, without a library whose bits depend on threads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedasr.wire.packing.vectors import Vector

LOST = 1e-10
"""A column that keeps less than this share of its length, once those before it are taken out, holds only rounding."""


def first_query(index: int, columns: int, rank: int) -> Vector:
    """Return the right matrix that a tensor starts from: the same for every sender and run."""
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence((index, columns, rank))))
    return random.standard_normal((columns, rank)).astype(np.float32)


def approximate(matrix: Vector, query: Vector) -> tuple[Vector, Vector]:
    """Return P, with orthonormal or zero columns, and Q = MᵀP, so that PQᵀ approximates the matrix."""
    M = matrix.astype(np.float64)
    Q = query.astype(np.float64)
    P = np.stack([np.einsum("nm,m->n", M, np.ascontiguousarray(column)) for column in Q.T], axis=1)
    left = orthonormal(P).astype(np.float32)
    columns = [np.einsum("nm,n->m", M, np.ascontiguousarray(column, np.float64)) for column in left.T]
    with np.errstate(over="ignore"):
        right = np.stack(columns, axis=1).astype(np.float32)
    return left, right


def orthonormal(P: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the columns made orthonormal in order; a column that depends on those before it becomes zero."""
    result = np.zeros_like(P)
    for column in range(P.shape[1]):
        vector = P[:, column].copy()
        length = np.sqrt(np.einsum("n,n->", vector, vector))
        # The second sweep takes out what rounding left of the first.
        for before in [*range(column)] * 2:
            vector -= np.einsum("n,n->", result[:, before], vector) * result[:, before]
        rest = np.sqrt(np.einsum("n,n->", vector, vector))
        if rest > LOST * length:
            result[:, column] = vector / rest
    return result


def product(left: Vector, right: Vector, out: Vector) -> None:
    """Write the product of the left and the transposed right matrix, always summed in the same order."""
    out[:] = 0
    for column in range(left.shape[1]):
        out += left[:, column, None] * right[None, :, column]
