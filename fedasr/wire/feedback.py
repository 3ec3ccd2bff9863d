"""What all codecs that lose something share: the residual, and a delivery that is a round trip."""

from __future__ import annotations

import numpy as np

from fedasr.wire.codec import Arrays, Codec, Delivery, Layout, State
from fedasr.wire.packing.vectors import Vector, check_finite


def remainder(total: Vector, sent: Vector, keep: bool = True) -> State:
    """Return the state that holds what a message left behind, or none where it is not kept."""
    check_finite(sent, "what would be sent")
    if not keep:
        return {}
    return {"residual": total - sent}


def deliver(codec: Codec, arrays: Arrays, state: State) -> Delivery:
    """Return what comes out at the other end of the wire."""
    blob, after = codec.encode(arrays, state)
    return Delivery(codec.decode(blob, Layout.of(arrays)), len(blob), after, codec.facts(blob))


def finite_float32(body: memoryview, what: str) -> Vector:
    """Return the float32 values of a section, refusing any that is not finite."""
    values: Vector = np.frombuffer(body, "<f4")
    check_finite(values, what)
    return values
