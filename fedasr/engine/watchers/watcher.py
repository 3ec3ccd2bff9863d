"""Who is told how a run goes: nobody, a log, or a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedasr.server.progress import Progress


class Watcher:
    """Told of each step of a run; this one says nothing."""

    def stage(self, text: str) -> None:
        """Something begins that has no rounds."""

    def opened(self, done: int, total: int) -> None:
        """The headers of so many audio files were read."""

    def prepared(self, done: int, total: int) -> None:
        """So many utterances have features."""

    def begin(self, row: str, number: int, rows: int) -> None:
        """A row begins."""

    def round(self, progress: Progress) -> None:
        """A round has ended."""

    def end(self, summary: Mapping[str, Any]) -> None:
        """A row has ended, finished or failed."""
