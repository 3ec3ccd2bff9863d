"""One message as it travelled: what every count of bytes is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Traffic:
    """One message as it travelled.

    Attributes
    ----------
    round, silo : int
    direction : str
        ``"up"`` (from the silo) or ``"down"``.
    kind : str
        Flower's message type.
    blob_bytes, envelope_bytes : int
        Arrays as encoded, and everything else.
    audio_seconds : float or None
        Seconds of speech that a silo trained on for an upward message: as its metrics say, or, where a guarantee lets
        it say nothing, as the simulator saw that ran it. Then it is the simulator's view, and no part of the message.
    """

    round: int
    silo: int
    direction: str
    kind: str
    blob_bytes: int
    envelope_bytes: int
    audio_seconds: float | None = None


def bytes_moved(messages: Iterable[Traffic], direction: str) -> int:
    """Return the bytes of all messages in one direction, arrays and envelopes."""
    return sum(m.blob_bytes + m.envelope_bytes for m in messages if m.direction == direction)
