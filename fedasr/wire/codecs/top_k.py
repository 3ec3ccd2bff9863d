"""The values of the largest magnitude, as they are, and nothing of the others."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fedasr.common.settings import Settings, number
from fedasr.wire.codec import Arrays, Delivery, Layout, State, WireError
from fedasr.wire.feedback import deliver, finite_float32
from fedasr.wire.header import peek, seal, unpack, unseal
from fedasr.wire.packing.gaps import best_k, decode_gaps, encode_gaps, gaps_of
from fedasr.wire.packing.vectors import Vector, gather

SMALL = struct.Struct("<B7xQ")
"""Bits of a Golomb-Rice remainder, zeros, number of values sent."""


@dataclass(frozen=True)
class TopK(Settings):
    """A fixed share of the values, the largest of the whole message; ties go to the earliest.

    Attributes
    ----------
    density : float
        The share that is sent: at least one value of a message that is not all zeros.
    error_feedback : bool
        Whether what is not sent is added to the sender's next message.
    """

    density: float = number(0.01, above=0, most=1)
    error_feedback: bool = True
    is_exact: ClassVar[bool] = False

    def encode(self, arrays: Arrays, state: State) -> tuple[bytes, State]:
        """Return the header, the positions as Golomb-Rice gaps and the float32 values at them."""
        total = gather(arrays, state if self.error_feedback else {})
        indices = largest(total, max(1, round(self.density * total.size)))
        values, gaps = total[indices], gaps_of(indices)
        k = best_k(gaps)
        blob = seal("top-k", total.size, [SMALL.pack(k, indices.size), encode_gaps(gaps, k), values.tobytes()])
        if not self.error_feedback:
            return blob, {}
        total[indices] = 0
        return blob, {"residual": total}

    def decode(self, blob: bytes, layout: Layout) -> dict[str, NDArray[np.float32]]:
        """Return the arrays; see `Codec.decode` for errors."""
        indices, sent = _read(blob, layout)
        values = np.zeros(layout.elements, np.float32)
        values[indices] = sent
        return layout.split(values)

    def deliver(self, arrays: Arrays, state: State) -> Delivery:
        """Return the arrays as they come out at the other end, and the share that was sent."""
        return deliver(self, arrays, state)

    def facts(self, blob: bytes) -> Mapping[str, float]:
        """Return the ``density``: the share of values that were sent."""
        elements, body = peek(blob, "top-k")
        (_, count), _ = unpack(SMALL, body)
        return {"density": count / max(elements, 1)}


def largest(values: Vector, count: int) -> NDArray[np.int64]:
    """Return where the values of the largest magnitude are, ascending; zeros are never among them."""
    if count >= values.size:
        return np.flatnonzero(values)
    magnitude = np.abs(values)
    edge = np.partition(magnitude, values.size - count)[values.size - count]
    chosen = magnitude > edge
    if edge > 0:
        ties = np.flatnonzero(magnitude == edge)
        chosen[ties[: count - np.count_nonzero(chosen)]] = True
    return np.flatnonzero(chosen)


def _read(blob: bytes, layout: Layout) -> tuple[NDArray[np.int64], Vector]:
    body = unseal(blob, "top-k", layout)
    (k, count), sections = unpack(SMALL, body)
    cut = len(sections) - 4 * int(count)
    if bytes(body[1:8]) != bytes(7) or count > layout.elements or cut < 0:
        raise WireError(f"{count} values announced in {len(sections)} bytes for a layout of {layout.elements}")
    indices = decode_gaps(sections[:cut], int(count), int(k), layout.elements)
    return indices, finite_float32(sections[cut:], "the blob")
