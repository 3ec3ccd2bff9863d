"""How long one silo may take for one message, whoever else waits for the same worker."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType

AGAIN_SECONDS = 1.0
"""How soon work that went on all the same is interrupted again."""
LONGEST_SECONDS = 1e8
"""A limit beyond this is none: no timer runs for years."""


class LateError(BaseException):
    """The time is up. No `Exception`: work that handles its own failures must not take it for one of them."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Interrupt the block when the time is up, also where it sleeps or waits.

    The clock is a silo's own and begins with its work: in the world that is simulated silos work at the same time,
    and how many share a worker here is nobody's fault. Only the main thread of a process can be interrupted, and
    only between two instructions of Python; elsewhere, a block that took too long is told so at its end.

    Parameters
    ----------
    seconds : float, optional
        By default there is no limit.

    Raises
    ------
    LateError
        Where the block took longer.
    """
    begun = time.monotonic()
    is_short = seconds is not None and seconds < LONGEST_SECONDS and _can_ring()
    with _alarm(seconds or 0.0) if is_short else nullcontext():
        yield
    if seconds is not None and time.monotonic() - begun > seconds:
        raise LateError


def _can_ring() -> bool:
    return threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    is_over = False

    def ring(number: int, frame: FrameType | None) -> None:
        if not is_over:
            raise LateError

    begun, before = time.monotonic(), signal.signal(signal.SIGALRM, ring)
    left, again = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        try:
            yield
        finally:
            is_over = True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:  # somebody else's alarm, which is due as if nothing had been
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - begun), 1e-3), again)


def is_over(seconds: float | None) -> bool:
    """Return whether a limit leaves no time at all: zero, less, or no number."""
    return seconds is not None and not seconds > 0


def late_reason(seconds: float | None) -> str:
    """Return why there is no reply."""
    return "no reply" if seconds is None else f"no reply within {seconds:g} s"
