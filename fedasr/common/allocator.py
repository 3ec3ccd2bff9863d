"""What becomes of freed memory: kept for the next message while a row runs, given back between rows.

Freed blocks stay with the C library, in an arena for each thread: without a word from us a process stays as
large as its largest row made it, whatever the rows after it need.
"""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""The C library's names for its thresholds."""
KEPT_BYTES = 1 << 29
"""The size up to which freed memory stays with the process."""
ARENAS = 2


def few_arenas() -> None:
    """Let the threads of this process, and of all that it starts, share their memory.

    Each new thread takes an arena of its own, eight a core: central training, whose threads change with every pass,
    spread what it had freed over all of them, and grew by 30 MB a pass. What the environment says goes first.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    os.environ["MALLOC_ARENA_MAX"] = str(ARENAS)
    options = _of_c_library("mallopt")
    if options is not None:
        options(M_ARENA_MAX, ARENAS)


def keep_freed_memory() -> None:
    """Let the C library reuse large blocks instead of fetching and zeroing new pages for each of them.

    Every message, and every step of the centre, allocates models, gradients and sums anew; with pages kept, a copy
    takes half the time. `give_back_memory` returns them when a row has ended.
    """
    options = _of_c_library("mallopt")
    if options is not None:
        options(M_MMAP_THRESHOLD, KEPT_BYTES)
        options(M_TRIM_THRESHOLD, KEPT_BYTES)


def give_back_memory() -> None:
    """Return to the system all that is freed, and what nothing but a circle of references keeps."""
    gc.collect()
    trim = _of_c_library("malloc_trim")
    if trim is not None:
        trim(0)


@contextmanager
def libraries_aside() -> Iterator[None]:
    """Leave all that exists, imported libraries above all, out of collections in the block: they take no time then."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _of_c_library(name: str) -> Any:
    """Return a function of GNU's C library; None where there is another."""
    try:
        return getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):
        return None
