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
    """Let the disk be full once so many files that count were written or added to; return how many were."""
    real_replace, real_open, written = os.replace, Path.open, 0

    def room_for(path: Path) -> None:
        nonlocal written
        if written >= after:
            raise OSError(errno.ENOSPC, "No space left on device")
        written += counts(path)

    def replace(source: Any, target: Any, **options: Any) -> None:
        room_for(Path(target))
        real_replace(source, target, **options)

    def opened(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if "a" in mode:
            room_for(path)
        return real_open(path, mode, *arguments, **options)

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(Path, "open", opened)
    return lambda: written
