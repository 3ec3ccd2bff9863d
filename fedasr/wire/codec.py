"""What a codec is, and the layout that travels once a run so that blobs need not repeat it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]
FLOAT32 = np.dtype("<f4")
State = Mapping[str, NDArray[Any]]
"""What a codec keeps of one sender between messages: plain arrays, so that they can be saved."""


class WireError(ValueError):
    """A blob is not what it should be; the message names what is wrong."""


@dataclass(frozen=True)
class Layout:
    """Names, shapes and types of the arrays of a model, in order; known to both ends.

    Attributes
    ----------
    names : tuple of str
    shapes : tuple of tuple of int
    types : tuple of numpy.dtype
        Little endian; empty where all are float32.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    types: tuple[np.dtype[Any], ...] = ()

    @classmethod
    def of(cls, arrays: Arrays) -> Layout:
        """Return the layout of some arrays."""
        types = tuple(array.dtype.newbyteorder("<") for array in arrays.values())
        shapes = tuple(tuple(array.shape) for array in arrays.values())
        return cls(tuple(arrays), shapes, types if any(kind != FLOAT32 for kind in types) else ())

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of values in each array."""
        return tuple(math.prod(shape) for shape in self.shapes)

    @property
    def bytes(self) -> int:
        """The size of all values in their own types."""
        types = self.types or (FLOAT32,) * len(self.names)
        return sum(size * kind.itemsize for size, kind in zip(self.sizes, types, strict=True))

    @property
    def elements(self) -> int:
        """The number of values in all arrays together."""
        return sum(self.sizes)

    def split(self, values: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return views of one vector as the arrays of this layout.

        Raises
        ------
        WireError
            Where the vector has another length.
        """
        if values.shape != (self.elements,):
            raise WireError(f"{values.size} values for a layout of {self.elements}")
        parts, start = {}, 0
        for name, shape, size in zip(self.names, self.shapes, self.sizes, strict=True):
            parts[name] = values[start : start + size].reshape(shape)
            start += size
        return parts


def check_float32(arrays: Arrays) -> None:
    """Refuse arrays that a codec that loses bits would turn into another type.

    Raises
    ------
    WireError
        Naming the first whose type is not float32.
    """
    for name, array in arrays.items():
        if array.dtype.newbyteorder("<") != FLOAT32:
            raise WireError(
                f"array {name!r} is {array.dtype}, and the codec carries float32 alone; set codec = 'dense'"
            )


@dataclass(frozen=True)
class Delivery:
    """What became of one message on its way.

    Attributes
    ----------
    arrays : mapping of str to ndarray
        What the other end decodes.
    blob_bytes : int
        The size of the blob that carried it.
    state : mapping of str to ndarray
        What the sender keeps for its next message.
    facts : mapping of str to float
        What a report may show of the message, such as ``density`` and ``threshold``.
    """

    arrays: Arrays
    blob_bytes: int
    state: State
    facts: Mapping[str, float] = field(default_factory=dict)


class Codec(Protocol):
    """Turns the arrays of one message into bytes and back.

    An exact codec keeps types and values; one that loses bits is given float32 and returns it.

    A codec is a frozen object of settings. What it has to remember of one sender (the residual of error
    feedback, an adaptive threshold) is that sender's `State`, passed in and returned: empty at first.
    """

    @property
    def is_exact(self) -> bool:
        """Whether what is decoded has the bits of what was encoded."""

    def encode(self, arrays: Arrays, state: State) -> tuple[bytes, State]:
        """Return one blob and the state after it.

        Raises
        ------
        WireError
            Where a value is not finite, or of a type, that the codec cannot carry.
        """

    def decode(self, blob: bytes, layout: Layout) -> dict[str, NDArray[Any]]:
        """Return the arrays of a blob.

        Raises
        ------
        WireError
            Where the blob is truncated, corrupted, oversized or of another codec.
        """

    def deliver(self, arrays: Arrays, state: State) -> Delivery:
        """Return what `decode` makes of what `encode` returns, perhaps by a shorter way."""

    def facts(self, blob: bytes) -> Mapping[str, float]:
        """Return what a report may show of a blob of this codec, such as ``density`` and ``threshold``."""
