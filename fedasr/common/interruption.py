"""Being told to end: by Ctrl-C, by a scheduler (SIGTERM), by a terminal that closes (SIGHUP)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Never

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Ended(KeyboardInterrupt):
    """The process was told to end.

    Parameters
    ----------
    number : int
        The signal's.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__()


def exit_code(interruption: KeyboardInterrupt) -> int:
    """Return what a shell makes of a process that a signal ended: 130 after Ctrl-C, 143 after SIGTERM."""
    return 128 + (interruption.number if isinstance(interruption, Ended) else signal.SIGINT)


@contextmanager
def endings_raised() -> Iterator[None]:
    """Raise `Ended` in the block where a signal would have ended the process on the spot, work half done.

    The first is enough: what clears up behind it is not disturbed by another, as schedulers send several. What ignores
    a signal, such as ``nohup``, or has a handler of its own for it, is left as it is; so are all threads but the main
    one, of which alone Python asks.
    """
    is_main = threading.current_thread() is threading.main_thread()
    came: list[int] = []
    ours = [number for number in SIGNALS if is_main and signal.getsignal(number) is signal.SIG_DFL]

    def end(number: int, frame: FrameType | None) -> Never:
        for each in ours:
            signal.signal(each, signal.SIG_IGN)
        came.append(number)
        raise Ended(number)

    for number in ours:
        signal.signal(number, end)
    try:
        yield
    except KeyboardInterrupt as interruption:
        if not came or isinstance(interruption, Ended):
            raise
        raise _told(came[0], interruption) from interruption  # Ray forgets which it was
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _told(number: int, interruption: KeyboardInterrupt) -> Ended:
    """Return the interruption that a signal was, with the notes of the one that a library made of it."""
    ended = Ended(number)
    for note in getattr(interruption, "__notes__", ()):
        ended.add_note(note)
    return ended


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Keep who answers SIGTERM, though the block starts Ray: its own handler, which exits, takes the place of any."""
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    except SystemExit as exit:  # Ray's handler: the signal came while it was in place
        raise Ended(int(exit.code or 0)) from exit
    finally:
        if is_main and before is not None:
            signal.signal(signal.SIGTERM, before)
