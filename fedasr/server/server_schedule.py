"""The server's learning rate over the rounds."""

from __future__ import annotations

import math

SCHEDULES = ("constant", "linear", "cosine")


def scheduled(schedule: str, warmup: float, round: int, rounds: int) -> float:
    """Return the share of the server's learning rate that a round takes.

    Parameters
    ----------
    schedule : str
        ``"constant"``; ``"linear"`` and ``"cosine"`` fall from 1 in the first round towards 0 after the last.
    warmup : float
        The share of the rounds in which it climbs linearly to what the schedule says.
    round, rounds : int
        The round, from 1, and how many there are.
    """
    done = min((round - 1) / max(rounds, 1), 1.0)
    fallen = {"constant": 1.0, "linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2}[schedule]
    climbed = min(1.0, round / (warmup * rounds)) if warmup else 1.0
    return fallen * climbed
