"""One message as it travelled: what every count of bytes is made of."""

from __future__ import annotations

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
        Seconds of speech that a silo trained on for an upward message, as its metrics say.
    """

    round: int
    silo: int
    direction: str
    kind: str
    blob_bytes: int
    envelope_bytes: int
    audio_seconds: float | None = None
