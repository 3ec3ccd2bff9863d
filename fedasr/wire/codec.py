"""What a codec is, and the layout that travels once a run so that blobs need not repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.float32]]
State = Mapping[str, NDArray[Any]]
"""What a codec keeps of one sender between messages: plain arrays, so that they can be saved."""


class WireError(ValueError):
    """A blob is not what it should be; the message names what is wrong."""


@dataclass(frozen=True)
class Layout:
    """Names and shapes of the arrays of a model, in order; known to both ends.

    Attributes
    ----------
    names : tuple of str
    shapes : tuple of tuple of int
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, arrays: Arrays) -> Layout:
        """Return the layout of some arrays."""
        return cls(tuple(arrays), tuple(tuple(array.shape) for array in arrays.values()))

    @property
    def elements(self) -> int:
        """The number of values in all arrays together."""
        return sum(int(np.prod(shape, dtype=np.int64)) for shape in self.shapes)

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
        for name, shape in zip(self.names, self.shapes, strict=True):
            end = start + int(np.prod(shape, dtype=np.int64))
            parts[name] = values[start:end].reshape(shape)
            start = end
        return parts


@dataclass(frozen=True)
class Delivery:
    """What became of one message on its way.

    Attributes
    ----------
    arrays : mapping of str to ndarray of float32
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
            Where a value is not finite and the codec cannot carry it.
        """

    def decode(self, blob: bytes, layout: Layout) -> dict[str, NDArray[np.float32]]:
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
