"""One bit a value, with two magnitudes for each tensor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fedasr.common.settings import Settings
from fedasr.wire.codec import Arrays, Delivery, Layout, State, WireError
from fedasr.wire.feedback import deliver, finite_float32, remainder
from fedasr.wire.header import seal, unseal
from fedasr.wire.packing.gaps import pack_bits, unpack_bits
from fedasr.wire.packing.vectors import Vector, gather


@dataclass(frozen=True)
class Sign(Settings):
    """Each value as the mean of all values of its tensor that have its sign, as in one-bit SGD (Seide 2014).

    Attributes
    ----------
    error_feedback : bool
        Whether what was lost is added to the sender's next message; without it training rarely converges.
    """

    error_feedback: bool = True
    is_exact: ClassVar[bool] = False

    def encode(self, arrays: Arrays, state: State) -> tuple[bytes, State]:
        """Return the header, two float32 for each tensor and a bit for each value."""
        total = gather(arrays, state if self.error_feedback else {})
        layout = Layout.of(arrays)
        levels = np.array([_means(part.reshape(-1)) for part in layout.split(total).values()], "<f4").reshape(-1, 2)
        negative = total < 0
        blob = seal("sign", total.size, [levels.tobytes(), pack_bits(negative)])
        return blob, remainder(total, _restore(layout, levels, negative), self.error_feedback)

    def decode(self, blob: bytes, layout: Layout) -> dict[str, NDArray[np.float32]]:
        """Return the arrays; see `Codec.decode` for errors."""
        body = unseal(blob, "sign", layout)
        cut = 8 * len(layout.names)
        if len(body) < cut:
            raise WireError(f"truncated: {len(body)} bytes, the magnitudes alone have {cut}")
        levels = finite_float32(body[:cut], "the magnitudes").reshape(-1, 2)
        if (levels[:, 0] < 0).any() or (levels[:, 1] > 0).any():
            raise WireError("a magnitude has the wrong sign")
        negative = unpack_bits(body[cut:], layout.elements).astype(np.bool_)
        return layout.split(_restore(layout, levels, negative))

    def deliver(self, arrays: Arrays, state: State) -> Delivery:
        """Return the arrays as they come out at the other end."""
        return deliver(self, arrays, state)

    def facts(self, blob: bytes) -> Mapping[str, float]:
        """Return nothing: one bit a value says it all."""
        return {}


def _means(values: Vector) -> tuple[float, float]:
    below = int(np.count_nonzero(values < 0))
    low = float(np.minimum(values, 0).sum(dtype=np.float64))
    high = float(np.maximum(values, 0).sum(dtype=np.float64))
    return high / max(values.size - below, 1), low / max(below, 1)


def _restore(layout: Layout, levels: Vector, negative: NDArray[np.bool_]) -> Vector:
    values, start = np.empty(negative.size, np.float32), 0
    for part, (high, low) in zip(layout.split(values).values(), levels, strict=True):
        end = start + part.size
        values[start:end] = np.where(negative[start:end], low, high)
        start = end
    return values
