"""Sixteen bits a value: IEEE half precision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fedasr.common.settings import Settings
from fedasr.wire.codec import Arrays, Delivery, Layout, State
from fedasr.wire.feedback import deliver
from fedasr.wire.header import expect, seal, unseal
from fedasr.wire.packing.vectors import check_finite, gather

LARGEST = 65504.0


@dataclass(frozen=True)
class Half(Settings):
    """Every value rounded to the nearest fp16; no residual is kept.

    Values beyond ±65504, the range of fp16, arrive as ±65504, and what is below its smallest step
    (about 6e-8) as zero. Values that are not finite are refused.
    """

    is_exact: ClassVar[bool] = False

    def encode(self, arrays: Arrays, state: State) -> tuple[bytes, State]:
        """Return the header and two bytes a value, and no state."""
        vector = gather(arrays, {})
        np.clip(vector, -LARGEST, LARGEST, out=vector)
        return seal("fp16", vector.size, [vector.astype("<f2").tobytes()]), {}

    def decode(self, blob: bytes, layout: Layout) -> dict[str, NDArray[np.float32]]:
        """Return the arrays; see `Codec.decode` for errors."""
        body = unseal(blob, "fp16", layout)
        expect(body, 2 * layout.elements)
        values = np.frombuffer(body, "<f2").astype(np.float32)
        check_finite(values, "the blob")
        return layout.split(values)

    def deliver(self, arrays: Arrays, state: State) -> Delivery:
        """Return the arrays as they come out at the other end."""
        return deliver(self, arrays, {})

    def facts(self, blob: bytes) -> Mapping[str, float]:
        """Return nothing: two bytes a value say it all."""
        return {}
