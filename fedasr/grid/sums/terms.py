"""Terms of a sum in float64: added up when somebody asks, a stretch of values at a time.

A stretch fits in the processor's cache, so that a sum of a few replies reads each of them once and writes nothing
between.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fedasr.common.number_types import in_type

CHUNK = 1 << 15
"""Values of a stretch."""
Values = NDArray[Any]
Types = Sequence[np.dtype[Any]]


class Stretch(NamedTuple):
    """Some values that follow each other in one array of a model, and where they stand in the model's vector."""

    array: int
    begin: int
    end: int
    at: int


@functools.lru_cache(maxsize=64)
def stretches(sizes: tuple[int, ...]) -> tuple[Stretch, ...]:
    """Return the stretches of a model whose arrays have these sizes."""
    return tuple(_stretches(sizes))


def _stretches(sizes: tuple[int, ...]) -> Iterator[Stretch]:
    start = 0
    for number, size in enumerate(sizes):
        for begin in range(0, size, CHUNK):
            yield Stretch(number, begin, min(begin + CHUNK, size), start + begin)
        start += size


class Term(Protocol):
    """A model's worth of values to be added."""

    @property
    def replies(self) -> int:
        """How many replies are still to be added up in it."""

    def values(self, stretch: Stretch, out: Values | None = None) -> Values:
        """Return the values of a stretch, in `out` if it is given."""


@dataclass(frozen=True)
class Reply:
    """What a silo replied, to be multiplied by its weight.

    Parameters
    ----------
    arrays : tuple of ndarray
        Flat, in the order of the model; nobody may change them any more.
    weight : float
    types : tuple of numpy.dtype
        Those that a mean of such replies is to have.
    """

    arrays: tuple[Values, ...]
    weight: float
    types: tuple[np.dtype[Any], ...] = ()
    replies = 1

    @classmethod
    def of(cls, arrays: Mapping[str, Values], weight: float) -> Reply:
        """Return the term of named arrays of any shape."""
        types = tuple(array.dtype for array in arrays.values())
        return cls(tuple(np.ascontiguousarray(array).reshape(-1) for array in arrays.values()), weight, types)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of the arrays."""
        return tuple(array.size for array in self.arrays)

    def values(self, stretch: Stretch, out: Values | None = None) -> Values:
        """Return weighted values; with weight 1 the values as they are, one pass fewer and the same bits."""
        part = self.arrays[stretch.array][stretch.begin : stretch.end]
        if self.weight == 1 and out is None:
            return part
        return np.multiply(part, self.weight, out=out, dtype=np.float64)


@dataclass(frozen=True)
class Vector:
    """A sum that has been added up, shape (values of the model,)."""

    sum: NDArray[np.float64]
    replies = 0

    def values(self, stretch: Stretch, out: Values | None = None) -> Values:
        """Return a view of the sum."""
        part = self.sum[stretch.at : stretch.at + stretch.end - stretch.begin]
        if out is not None and out is not part:
            np.copyto(out, part)
        return part if out is None else out


@dataclass(frozen=True)
class Pair:
    """Two terms that are to be added."""

    left: Term
    right: Term

    @property
    def replies(self) -> int:
        return self.left.replies + self.right.replies

    def values(self, stretch: Stretch, out: Values | None = None) -> Values:
        return np.add(self.left.values(stretch), self.right.values(stretch), out=out, dtype=np.float64)


def added_up(term: Term, sizes: tuple[int, ...]) -> Vector:
    """Return a term as a vector; the vector of a pair that has one is used again."""
    total = _own_vector(term)
    if total is None:
        total = np.empty(sum(sizes))
    for stretch in stretches(sizes):
        term.values(stretch, total[stretch.at : stretch.at + stretch.end - stretch.begin])
    return Vector(total)


def _own_vector(term: Term) -> NDArray[np.float64] | None:
    for side in (term.left, term.right) if isinstance(term, Pair) else ():
        if isinstance(side, Vector):
            return side.sum
    return None


def mean_of(total: Term, weight: float, like: Mapping[str, Values], types: Types = ()) -> dict[str, Values]:
    """Return a sum divided by the sum of its weights.

    Parameters
    ----------
    total : Term
    weight : float
        Not zero.
    like : mapping
        Arrays whose names and shapes the mean has.
    types : sequence of numpy.dtype
        Of what was added up, array by array, by default those of `like`; `fedasr.common.number_types.in_type` says
        what comes of them.
    """
    types = types or [array.dtype for array in like.values()]
    means = [
        np.empty(a.size, kind if kind.kind == "f" else np.float64) for a, kind in zip(like.values(), types, strict=True)
    ]
    for stretch in stretches(tuple(mean.size for mean in means)):
        out = means[stretch.array][stretch.begin : stretch.end]
        np.divide(total.values(stretch), weight, out=out, dtype=np.float64, casting="same_kind")
    shaped = zip(like.items(), means, types, strict=True)
    return {name: in_type(mean, kind).reshape(array.shape) for (name, array), mean, kind in shaped}
