"""How much training read: gradients of one utterance, by which rows are compared, seconds of speech, and their meter.

Whoever takes gradients notes them (`noted`); whoever wants to know how many a piece of work took runs it within
`metered`. What is counted leaves no silo: it is the simulator's view of the silos that it runs itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Taken:
    """Gradients of one utterance; a batch of eight is eight of them.

    Attributes
    ----------
    private : float
        On speech of silos, in the silos or at the centre. Where utterances are drawn by secure coins, the expected
        number: who was drawn is nobody's to know.
    public : float
        On public speech.
    """

    private: float = 0.0
    public: float = 0.0

    def __add__(self, other: Taken) -> Taken:
        return Taken(self.private + other.private, self.public + other.public)


@dataclass
class Meter:
    """What was taken within a block, and how many seconds of speech it was of; None where nobody noted anything."""

    taken: Taken | None = None
    seconds: float | None = None

    def add(self, taken: Taken) -> None:
        """Count some more."""
        self.taken = taken if self.taken is None else self.taken + taken

    def hear(self, seconds: float) -> None:
        """Count some more seconds of speech."""
        self.seconds = seconds if self.seconds is None else self.seconds + seconds


_METER: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def metered() -> Iterator[Meter]:
    """Count what is taken in the block, by the thread that enters it."""
    meter = Meter()
    before = _METER.set(meter)
    try:
        yield meter
    finally:
        _METER.reset(before)


def noted(taken: Taken | None, seconds: float) -> None:
    """Note some gradients, if they were counted, and the seconds of speech read; without a meter nobody asks."""
    if (meter := _METER.get()) is not None:
        meter.hear(seconds)
        if taken is not None:
            meter.add(taken)
