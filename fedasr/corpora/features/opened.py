"""Prepared speech, opened once a process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from fedasr.corpora.features.store import open_speech
from fedasr.corpora.speech import Speech


@lru_cache(maxsize=2)
def opened_speech(folder: Path) -> Speech:
    """Return prepared speech; opened once a process."""
    return open_speech(folder)
