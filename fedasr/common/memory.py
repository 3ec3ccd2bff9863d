"""Peak memory of this process and all that it started, as proportional set size."""

from __future__ import annotations

import threading
from types import TracebackType

import psutil

INTERVAL_SECONDS = 2.0


def memory_bytes() -> int:
    """Return the proportional set size of this process and its descendants, in bytes.

    Pages that several processes share count once, divided among them. Where the system does not tell
    (outside Linux) the resident set size stands in, which counts them several times.
    """
    me = psutil.Process()
    return sum(_size(process) for process in [me, *me.children(recursive=True)])


def _size(process: psutil.Process) -> int:
    try:
        with open(f"/proc/{process.pid}/smaps_rollup", encoding="ascii") as file:
            return next(1024 * int(line.split()[1]) for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration):
        try:
            return int(process.memory_info().rss)
        except psutil.Error:
            return 0


class PeakMemory:
    """Samples `memory_bytes` in the background; a context manager."""

    def __init__(self) -> None:
        self.bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.bytes = max(self.bytes, memory_bytes())

    def _watch(self) -> None:
        while not self._stop.wait(INTERVAL_SECONDS):
            self.bytes = max(self.bytes, memory_bytes())
