"""What becomes of freed memory."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys

import pytest

THREADS = """
import ctypes, sys, threading
from fedasr.common.allocator import few_arenas
few_arenas()
barrier = threading.Barrier(12)

def hold():
    kept = [bytes(5000) for _ in range(100)]
    barrier.wait()

threads = [threading.Thread(target=hold) for _ in range(11)]
for thread in threads:
    thread.start()
barrier.wait()
library = ctypes.CDLL(None)
library.fdopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(library.fdopen(1, b"w"))
library.malloc_info(0, stream)
library.fflush(stream)
"""


def _arenas(**environment: str) -> int:
    without = {key: value for key, value in os.environ.items() if key != "MALLOC_ARENA_MAX"}
    command = [sys.executable, "-c", THREADS]
    told = subprocess.run(command, env=without | environment, capture_output=True, text=True, check=True).stdout
    return len(re.findall("<heap nr=", told))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only GNU's C library tells of its arenas")
def test_threads_share_two_arenas_unless_the_environment_says_otherwise() -> None:
    assert _arenas() <= 2
    assert _arenas(MALLOC_ARENA_MAX="7") > 2
