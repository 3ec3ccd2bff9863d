"""A link: seconds that bytes take, from bandwidth, latency and loss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from fedasr.common.settings import Settings, number

Direction = Literal["up", "down"]

SEGMENT_BYTES = 1460
"""What one TCP segment carries over Ethernet."""


@dataclass(frozen=True)
class Link(Settings):
    """One machine's link, full duplex; up is away from the machine.

    Loss slows it twice. Lost segments are sent again: of the bandwidth 1 − loss is left. And TCP backs
    off: a flow carries at most ``SEGMENT_BYTES / round_trip · sqrt(3/2) / sqrt(loss)`` bytes a second
    (Mathis, Semke, Mahdavi and Ott, "The macroscopic behavior of the TCP congestion avoidance
    algorithm", 1997), the round trip being twice the latency. A transfer is taken as one flow.

    Parameters
    ----------
    up_bits_per_second : float
        Bandwidth away from the machine.
    down_bits_per_second : float
        Bandwidth towards it.
    latency_seconds : float
        One way.
    loss : float
        The share of segments lost, below 1.
    message_seconds : float
        What handling one message costs beside its bytes (system calls, unpacking); messages queue for it.
    """

    up_bits_per_second: float = number(above=0, below=math.inf)
    down_bits_per_second: float = number(above=0, below=math.inf)
    latency_seconds: float = number(least=0, below=math.inf)
    loss: float = number(0.0, least=0, below=1)
    message_seconds: float = number(0.0, least=0, below=math.inf)

    def bytes_per_second(self, direction: Direction) -> float:
        """Return the rate at which new bytes arrive, loss counted."""
        nominal = (self.up_bits_per_second if direction == "up" else self.down_bits_per_second) / 8
        if self.loss == 0:
            return nominal
        round_trip = 2 * self.latency_seconds
        cap = SEGMENT_BYTES / round_trip * math.sqrt(1.5 / self.loss) if round_trip else math.inf
        return min(nominal * (1 - self.loss), cap)

    def seconds(self, bytes: float, direction: Direction, messages: int = 1) -> float:
        """Return the time until the last of some messages sent together has arrived; none of no bytes."""
        if bytes <= 0 or messages <= 0:
            return 0.0
        handling = self.latency_seconds + messages * self.message_seconds
        return handling + bytes / self.bytes_per_second(direction)
