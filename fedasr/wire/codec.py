"""What a codec is, and the layout that travels once a run so that blobs need not repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.float32]]


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


class Codec(Protocol):
    """Turns the arrays of one message into bytes and back."""

    def encode(self, arrays: Arrays) -> bytes:
        """Return one blob."""

    def decode(self, blob: bytes, layout: Layout) -> dict[str, NDArray[np.float32]]:
        """Return the arrays of a blob.

        Raises
        ------
        WireError
            Where the blob is truncated, corrupted, oversized or of another codec.
        """

    def deliver(self, arrays: Arrays) -> tuple[Arrays, int]:
        """Return what the other end decodes, and the bytes of the blob that carried it."""
