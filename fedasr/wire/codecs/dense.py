"""The dense codec: every value as float32."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fedasr.common.settings import Settings
from fedasr.wire.codec import Arrays, Delivery, Layout, State
from fedasr.wire.header import HEADER, expect, seal, unseal


@dataclass(frozen=True)
class Dense(Settings):
    """Float32, little endian, array after array, behind a header of 20 bytes."""

    is_exact: ClassVar[bool] = True

    def encode(self, arrays: Arrays, state: State) -> tuple[bytes, State]:
        """Return the header and all values, and no state."""
        parts = [np.ascontiguousarray(array, "<f4").tobytes() for array in arrays.values()]
        return seal("dense", sum(len(part) for part in parts) // 4, parts), {}

    def decode(self, blob: bytes, layout: Layout) -> dict[str, NDArray[np.float32]]:
        """Return the arrays; see `Codec.decode` for errors."""
        body = unseal(blob, "dense", layout)
        expect(body, 4 * layout.elements)
        return layout.split(np.frombuffer(body, "<f4"))

    def deliver(self, arrays: Arrays, state: State) -> Delivery:
        """Return the arrays themselves where they are float32: encoding and decoding changes no bit."""
        size = HEADER.size + 4 * sum(array.size for array in arrays.values())
        return Delivery({name: np.asarray(array, np.float32) for name, array in arrays.items()}, size, {})

    def facts(self, blob: bytes) -> Mapping[str, float]:
        """Return nothing: every value travels."""
        return {}
