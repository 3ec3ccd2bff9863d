"""A codec: every value cut to the upper half of its float32, which is bfloat16."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fedasr.wire.codec import Arrays, Delivery, Layout, State
from fedasr.wire.feedback import deliver, remainder
from fedasr.wire.header import expect, seal, unseal
from fedasr.wire.packing.vectors import Vector, check_finite, gather


@dataclass(frozen=True)
class UpperHalf:
    """Sixteen bits a value, with the range of float32 and 8 bits of its mantissa.

    Attributes
    ----------
    error_feedback : bool
        Whether what was cut off is added to the sender's next message.
    """

    error_feedback: bool = True
    is_exact: ClassVar[bool] = False

    def encode(self, arrays: Arrays, state: State) -> tuple[bytes, State]:
        """Return the header and two bytes a value, and what was cut off."""
        total = gather(arrays, state if self.error_feedback else {})
        upper = (total.view(np.uint32) >> np.uint32(16)).astype("<u2")
        blob = seal("upper-half", total.size, [upper.tobytes()])
        return blob, remainder(total, _widened(upper), self.error_feedback)

    def decode(self, blob: bytes, layout: Layout) -> dict[str, NDArray[np.float32]]:
        """Return the arrays; see `Codec.decode` for errors."""
        body = unseal(blob, "upper-half", layout)
        expect(body, 2 * layout.elements)
        values = _widened(np.frombuffer(body, "<u2"))
        check_finite(values, "the blob")
        return layout.split(values)

    def deliver(self, arrays: Arrays, state: State) -> Delivery:
        """Return the arrays as they come out at the other end."""
        return deliver(self, arrays, state)

    def facts(self, blob: bytes) -> Mapping[str, float]:
        """Return nothing: two bytes a value say it all."""
        return {}


def _widened(upper: NDArray[np.uint16]) -> Vector:
    return (upper.astype(np.uint32) << np.uint32(16)).view(np.float32)
