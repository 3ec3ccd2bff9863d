"""Peak memory of this process and all that it started, as proportional set size.

A page that several processes share counts once, divided among them. What a process' share is takes the kernel
milliseconds to say, for it walks through all pages; how many pages are the process' own, microseconds. So the own
pages are read twice a second, and the share in common ones anew only where their number has moved.

Where the system does not tell (outside Linux) the resident set size stands in, which counts common pages several times.
"""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType

import psutil

INTERVAL_SECONDS = 0.5
PROCESSES_SECONDS = 10.0
"""How often to look for processes that were started since."""
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
MOVED = 0.05
"""By what share the number of common pages may move before a process' share in them is read anew."""


class Gauge:
    """The memory of one process.

    Parameters
    ----------
    pid : int
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._common = -1
        self._share = 0

    def bytes(self) -> int:
        """Return the proportional set size, with the share in common pages as it was last read; 0 if it is gone."""
        try:
            own, common = self._resident()
            if abs(common - self._common) > MOVED * self._common:
                share = self._proportional() - own
                self._common, self._share = common, share
            return own + self._share
        except (OSError, ValueError):
            return self._resident_alone()

    def _resident(self) -> tuple[int, int]:
        """Return the bytes in memory that are the process' own, and those that others may share."""
        with open(f"/proc/{self._pid}/statm", "rb", buffering=0) as file:
            resident, common = (int(pages) * PAGE_BYTES for pages in file.read().split()[1:3])
        return resident - common, common

    def _proportional(self) -> int:
        with open(f"/proc/{self._pid}/smaps_rollup", encoding="ascii") as file:
            return sum(1024 * int(line.split()[1]) for line in file if line.startswith("Pss:"))

    def _resident_alone(self) -> int:
        try:
            return int(psutil.Process(self._pid).memory_info().rss)
        except psutil.Error:
            return 0


class Processes:
    """The memory of this process and its descendants."""

    def __init__(self) -> None:
        self._gauges: dict[int, Gauge] = {}
        self._found = 0.0

    def bytes(self) -> int:
        """Return the sum of the proportional set sizes."""
        if not self._gauges or time.monotonic() - self._found > PROCESSES_SECONDS:
            self.find()
        return sum(gauge.bytes() for gauge in self._gauges.values())

    def find(self) -> None:
        """Look which processes there are."""
        me = psutil.Process()
        pids = [process.pid for process in (me, *me.children(recursive=True))]
        self._gauges = {pid: self._gauges.get(pid) or Gauge(pid) for pid in pids}
        self._found = time.monotonic()


class PeakMemory:
    """Samples the memory of this process and its descendants in the background; a context manager.

    Attributes
    ----------
    bytes : int
        The largest sum of proportional set sizes so far.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self._processes = Processes()
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
        self._processes.find()
        self._sample()

    def _watch(self) -> None:
        while not self._stop.wait(INTERVAL_SECONDS):
            self._sample()

    def _sample(self) -> None:
        self.bytes = max(self.bytes, self._processes.bytes())
