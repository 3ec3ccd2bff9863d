"""Prepared speech, opened once a process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from fedasr.corpora.features.mapped import opened_store
from fedasr.corpora.speech import Speech, speech_of


@lru_cache(maxsize=2)
def opened_speech(folder: Path) -> Speech:
    """Return prepared speech; opened once a process."""
    return speech_of(opened_store(folder))


def forget_opened() -> None:
    """Open everything anew: a folder was written again."""
    opened_speech.cache_clear()
    opened_store.cache_clear()
