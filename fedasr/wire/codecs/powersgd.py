"""Low-rank gradients: PowerSGD (Vogels, Karimireddy and Jaggi, 2019)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fedasr.common.settings import Settings, number
from fedasr.wire.codec import Arrays, Delivery, Layout, State, WireError
from fedasr.wire.feedback import deliver, finite_float32, remainder
from fedasr.wire.header import expect, seal, unpack, unseal
from fedasr.wire.packing.low_rank import approximate, first_query, product
from fedasr.wire.packing.vectors import Vector, check_finite, gather

SMALL = struct.Struct("<HH")
"""Rank, zero."""


@dataclass(frozen=True)
class PowerSGD(Settings):
    """Each matrix as the product of two thin ones, one power iteration a message from where the last ended.

    A tensor is a matrix of its first dimension by all others. Tensors of one dimension, and those that two
    thin matrices would not make smaller, travel as float32.

    Attributes
    ----------
    rank : int
        Columns of the thin matrices.
    error_feedback : bool
        Whether what was lost is added to the sender's next message.
    """

    rank: int = number(2, least=1, most=65535)
    error_feedback: bool = True
    is_exact: ClassVar[bool] = False

    def encode(self, arrays: Arrays, state: State) -> tuple[bytes, State]:
        """Return the header and, tensor after tensor, two thin matrices or all values."""
        layout = Layout.of(arrays)
        total = gather(arrays, state if self.error_feedback else {})
        parts: list[Vector] = []
        queries: dict[str, Vector] = {}
        for index, (values, shape) in enumerate(self._tensors(layout, total)):
            if shape is None:
                parts.append(values)
                continue
            warm = _warm_query(state, index, shape, self.rank)
            left, right = approximate(values.reshape(shape), warm)
            check_finite(right, f"array {layout.names[index]!r}, projected,")
            parts += [left, right]
            queries[f"query.{index}"] = right
        body = [part.astype("<f4").tobytes() for part in parts]
        blob = seal("powersgd", total.size, [SMALL.pack(self.rank, 0), *body])
        sent = self._restore(layout, parts)
        return blob, {**remainder(total, sent, self.error_feedback), **queries}

    def decode(self, blob: bytes, layout: Layout) -> dict[str, NDArray[np.float32]]:
        """Return the arrays; see `Codec.decode` for errors."""
        (rank, zero), body = unpack(SMALL, unseal(blob, "powersgd", layout))
        if (rank, zero) != (self.rank, 0):
            raise WireError(f"a blob of rank {rank} where rank {self.rank} was agreed")
        sizes = [size for shape in layout.shapes for size in _sizes(shape, self.rank)]
        expect(body, 4 * sum(sizes))
        values = finite_float32(body, "the blob")
        restored = self._restore(layout, np.split(values, np.cumsum(sizes, dtype=np.int64)[:-1]))
        check_finite(restored, "a product of the blob")
        return layout.split(restored)

    def deliver(self, arrays: Arrays, state: State) -> Delivery:
        """Return the arrays as they come out at the other end."""
        return deliver(self, arrays, state)

    def facts(self, blob: bytes) -> Mapping[str, float]:
        """Return nothing: the rank is a setting."""
        return {}

    def _tensors(self, layout: Layout, vector: Vector) -> Iterator[tuple[Vector, tuple[int, int] | None]]:
        """Yield each tensor as a vector, with the shape of its matrix where it travels as thin ones."""
        start = 0
        for shape in layout.shapes:
            end = start + int(np.prod(shape, dtype=np.int64))
            yield vector[start:end], _matrix(shape, self.rank)
            start = end

    def _restore(self, layout: Layout, parts: list[Vector]) -> Vector:
        vector, remaining = np.empty(layout.elements, np.float32), iter(parts)
        with np.errstate(over="ignore", invalid="ignore"):
            for values, shape in self._tensors(layout, vector):
                if shape is None:
                    values[:] = next(remaining)
                else:
                    left, right = next(remaining), next(remaining)
                    product(left.reshape(-1, self.rank), right.reshape(-1, self.rank), values.reshape(shape))
        return vector


def _matrix(shape: tuple[int, ...], rank: int) -> tuple[int, int] | None:
    if len(shape) < 2:
        return None
    rows, columns = shape[0], int(np.prod(shape[1:], dtype=np.int64))
    return (rows, columns) if rank * (rows + columns) < rows * columns else None


def _sizes(shape: tuple[int, ...], rank: int) -> list[int]:
    matrix = _matrix(shape, rank)
    return [rank * side for side in matrix] if matrix else [int(np.prod(shape, dtype=np.int64))]


def _warm_query(state: State, index: int, shape: tuple[int, int], rank: int) -> Vector:
    """Return the last right matrix of a tensor, its lost columns drawn anew."""
    fresh = first_query(index, shape[1], rank)
    query = state.get(f"query.{index}")
    if query is None:
        return fresh
    if query.shape != fresh.shape or not np.isfinite(query).all():
        raise WireError(f"the state of tensor {index} has shape {query.shape} instead of {fresh.shape}")
    return np.where((query == 0).all(axis=0), fresh, query).astype(np.float32)
