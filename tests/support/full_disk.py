"""A disk that is full from a moment on."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def fill_disk(
    monkeypatch: pytest.MonkeyPatch, after: int, counts: Callable[[Path], bool] = lambda path: True
) -> Callable[[], int]:  # fmt: skip
    """Let the disk be full once so many files that count were moved into their places; return how many were."""
    real, moved = os.replace, 0

    def replace(source: Any, target: Any, **options: Any) -> None:
        nonlocal moved
        if moved >= after:
            raise OSError(errno.ENOSPC, "No space left on device")
        moved += counts(Path(target))
        real(source, target, **options)

    monkeypatch.setattr(os, "replace", replace)
    return lambda: moved
