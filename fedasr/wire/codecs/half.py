"""Sixteen bits a value: IEEE half precision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fedasr.common.settings import Settings
from fedasr.wire.codec import Arrays, Delivery, Layout, State, WireError
from fedasr.wire.feedback import deliver
from fedasr.wire.header import expect, seal, unseal
from fedasr.wire.packing.vectors import check_finite, gather

LARGEST = 65504.0


@dataclass(frozen=True)
class Half(Settings):
    """Every value rounded to the nearest fp16; no residual is kept, so what the rounding takes is lost.

    What is below its smallest step (about 6e-8) arrives as zero. Values beyond ±65504, the range of fp16, are refused,
    and so are values that are not finite.
    """

    is_exact: ClassVar[bool] = False

    def encode(self, arrays: Arrays, state: State) -> tuple[bytes, State]:
        """Return the header and two bytes a value, and no state.

        Raises
        ------
        WireError
            Where a value is not finite, or beyond the range.
        """
        vector = gather(arrays, {})
        if (largest := np.abs(vector).max(initial=0)) > LARGEST:
            raise WireError(f"a value of {largest:.3g} is beyond fp16 (±{LARGEST:g}); set another codec")
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
