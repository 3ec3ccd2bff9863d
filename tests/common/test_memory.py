"""The peak memory of a stretch of work is that stretch's own, with all that the process started."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from fedasr.common import memory
from fedasr.common.allocator import give_back_memory
from fedasr.common.memory import PeakMemory

LARGE = 200_000_000
"""Bytes, far above what the interpreter moves by itself."""
HOLDS = f"import time; held = bytearray({LARGE}); print(len(held), flush=True); time.sleep(60)"


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "INTERVAL_SECONDS", 0.01)


def _measured(size: int) -> int:
    give_back_memory()  # this process may keep what it freed
    with PeakMemory() as peak:
        held = np.ones(size, np.uint8)
        time.sleep(0.2)
        del held
    return peak.bytes


def test_what_an_earlier_stretch_took_is_not_in_a_later_one() -> None:
    before, large, after = _measured(1), _measured(LARGE), _measured(1)
    assert large - before > 0.9 * LARGE
    assert after - before < 0.2 * LARGE


def test_what_is_held_all_along_counts_in_every_stretch() -> None:
    before, held = _measured(1), np.ones(LARGE, np.uint8)
    assert _measured(1) - before > 0.9 * LARGE
    assert held.any()


def test_what_a_process_holds_that_was_started_counts() -> None:
    before = _measured(1)
    with subprocess.Popen([sys.executable, "-c", HOLDS], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            assert _measured(1) - before > 0.9 * LARGE
        finally:
            process.kill()
    assert _measured(1) - before < 0.2 * LARGE


ROWS = """
import sys, time
from fedasr.common import memory
from fedasr.common.allocator import few_arenas, keep_freed_memory
from fedasr.grid.in_process import InProcess
few_arenas(); keep_freed_memory(); memory.INTERVAL_SECONDS = 0.01
def row(count):
    InProcess().forget()
    with memory.PeakMemory() as peak:
        held = [bytearray(2_000_000) for _ in range(count)]
        time.sleep(0.2)
        last = held.pop() if held else None
        del held
    return peak.bytes
print(row(1), row(100), row(1))
"""


def test_a_row_does_not_count_what_an_earlier_one_freed_though_freed_memory_is_kept_while_it_runs() -> None:
    done = subprocess.run([sys.executable, "-c", ROWS], capture_output=True, text=True, check=True, timeout=60)
    before, large, after = map(int, done.stdout.split())
    assert large - before > 0.9 * LARGE
    assert after - before < 0.2 * LARGE
