"""What all contestants share: the number of workers and how rounds are timed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WORKERS = 2


@dataclass(frozen=True)
class Rounds:
    """Round times in seconds without the first, and numbers that tell models apart."""

    seconds: tuple[float, ...]
    model: Mapping[str, float]


@dataclass
class Clock:
    """Notes when each round ends; called by `FedAvg.start` where it would evaluate the model."""

    ends: list[float] = field(default_factory=list)

    def __call__(self, round: int, arrays: Any) -> None:
        self.ends.append(time.perf_counter())

    @property
    def seconds(self) -> tuple[float, ...]:
        """Seconds of each round but the first, which warms up."""
        times = [end - begin for begin, end in zip(self.ends, self.ends[1:], strict=False)]
        return tuple(times[1:])
