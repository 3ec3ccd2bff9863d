"""The dense codec: every value as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fedasr.common.settings import Settings
from fedasr.wire.codec import FLOAT32, Arrays, Delivery, Layout, State
from fedasr.wire.header import HEADER, expect, seal, unseal


@dataclass(frozen=True)
class Dense(Settings):
    """Every value in its own type, little endian, array after array, behind a header of 20 bytes."""

    is_exact: ClassVar[bool] = True

    def encode(self, arrays: Arrays, state: State) -> tuple[bytes, State]:
        """Return the header and all values, and no state."""
        parts = [np.asarray(array, array.dtype.newbyteorder("<")).tobytes() for array in arrays.values()]
        return seal("dense", Layout.of(arrays).elements, parts), {}

    def decode(self, blob: bytes, layout: Layout) -> dict[str, NDArray[Any]]:
        """Return the arrays; see `Codec.decode` for errors."""
        body = unseal(blob, "dense", layout)
        expect(body, layout.bytes)
        if not layout.types:
            return layout.split(np.frombuffer(body, FLOAT32))
        arrays, start = {}, 0
        for name, shape, kind, size in zip(layout.names, layout.shapes, layout.types, layout.sizes, strict=True):
            part = body[start : start + size * kind.itemsize]
            arrays[name] = (np.frombuffer(part, kind) if size else np.empty(0, kind)).reshape(shape)
            start += len(part)
        return arrays

    def deliver(self, arrays: Arrays, state: State) -> Delivery:
        """Return the arrays themselves: encoding and decoding changes no bit."""
        native = {name: np.asarray(array, array.dtype.newbyteorder("=")) for name, array in arrays.items()}
        return Delivery(native, HEADER.size + Layout.of(arrays).bytes, {})

    def facts(self, blob: bytes) -> Mapping[str, float]:
        """Return nothing: every value travels."""
        return {}
