"""Eight bits a value, with one scale for each tensor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fedasr.common.settings import Settings
from fedasr.wire.codec import Arrays, Delivery, Layout, State, WireError
from fedasr.wire.feedback import deliver, finite_float32, remainder
from fedasr.wire.header import expect, seal, unseal
from fedasr.wire.packing.vectors import Vector, gather

LEVELS = 127


@dataclass(frozen=True)
class Int8(Settings):
    """Each tensor as whole multiples, from −127 to 127, of its largest magnitude over 127.

    Attributes
    ----------
    error_feedback : bool
        Whether what rounding lost is added to the sender's next message.
    """

    error_feedback: bool = True
    is_exact: ClassVar[bool] = False

    def encode(self, arrays: Arrays, state: State) -> tuple[bytes, State]:
        """Return the header, a float32 scale for each tensor and a byte for each value."""
        total = gather(arrays, state if self.error_feedback else {})
        layout = Layout.of(arrays)
        parts = list(layout.split(total).values())
        scales = np.array([_scale(part) for part in parts], "<f4")
        levels = np.empty(total.size, np.int8)
        for part, scale, out in zip(parts, scales, _split(layout, levels), strict=True):
            out[:] = _round(part.reshape(-1), scale)
        blob = seal("int8", total.size, [scales.tobytes(), levels.tobytes()])
        return blob, remainder(total, _restore(layout, scales, levels), self.error_feedback)

    def decode(self, blob: bytes, layout: Layout) -> dict[str, NDArray[np.float32]]:
        """Return the arrays; see `Codec.decode` for errors."""
        body = unseal(blob, "int8", layout)
        cut = 4 * len(layout.names)
        expect(body, cut + layout.elements)
        scales, levels = finite_float32(body[:cut], "the scales"), np.frombuffer(body[cut:], np.int8)
        with np.errstate(over="ignore"):
            if (scales < 0).any() or not np.isfinite(scales * np.float32(LEVELS)).all():
                raise WireError("a scale is negative or too large")
        if (levels < -LEVELS).any():
            raise WireError(f"a level is beyond ±{LEVELS}")
        return layout.split(_restore(layout, scales, levels))

    def deliver(self, arrays: Arrays, state: State) -> Delivery:
        """Return the arrays as they come out at the other end."""
        return deliver(self, arrays, state)

    def facts(self, blob: bytes) -> Mapping[str, float]:
        """Return nothing: one byte a value says it all."""
        return {}


def _scale(values: Vector) -> np.float32:
    largest = max(float(values.max()), -float(values.min())) if values.size else 0.0
    scale = np.float32(largest / LEVELS)
    # Rounded up, the scale of the very largest float32 would overflow where it is multiplied again.
    overflows = float(scale) * LEVELS > float(np.finfo(np.float32).max)
    return np.nextafter(scale, np.float32(0)) if overflows else scale


def _round(values: Vector, scale: np.float32) -> NDArray[np.int8]:
    if scale == 0:
        return np.zeros(values.size, np.int8)
    levels: Vector = np.rint(values / scale)
    np.clip(levels, -LEVELS, LEVELS, out=levels)
    return levels.astype(np.int8)


def _restore(layout: Layout, scales: Vector, levels: NDArray[np.int8]) -> Vector:
    values = levels.astype(np.float32)
    for part, scale in zip(layout.split(values).values(), scales, strict=True):
        part *= scale
    return values


def _split(layout: Layout, levels: NDArray[np.int8]) -> list[NDArray[np.int8]]:
    ends = np.cumsum([int(np.prod(shape, dtype=np.int64)) for shape in layout.shapes])[:-1]
    return np.split(levels, ends) if layout.shapes else []
