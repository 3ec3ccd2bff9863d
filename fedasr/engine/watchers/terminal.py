"""How a run is shown: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from fedasr.engine.watchers.watcher import Watcher
from fedasr.server.progress import Progress as RoundProgress


class LiveWatcher(Watcher):
    """Bars on a terminal: rounds, error rate so far, time left. A context manager."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            TextColumn("{task.description:<24}"), BarColumn(bar_width=24), MofNCompleteColumn(),
            TextColumn("{task.fields[news]:<28}"), TimeElapsedColumn(), TimeRemainingColumn(compact=True),
            console=console,
        )  # fmt: skip
        self._tasks: dict[str, Any] = {}
        self._opening = 0.0

    def __enter__(self) -> LiveWatcher:
        self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def stage(self, text: str) -> None:
        self._bars.console.print(f"[dim]{text}[/dim]")

    def opened(self, done: int, total: int) -> None:
        self._opening = self._opening if done else time.monotonic()
        self._update("audio files", done, total, _rate(done, self._opening))

    def prepared(self, done: int, total: int) -> None:
        self._update("features", done, total, "")

    def begin(self, row: str, number: int, rows: int) -> None:
        self._update(row, 0, None, f"row {number} of {rows}")

    def round(self, progress: RoundProgress) -> None:
        self._update(progress.row, progress.round, progress.rounds or None, _news(progress))

    def end(self, summary: Mapping[str, Any]) -> None:
        name = summary["name"]
        if name in self._tasks:
            task = self._bars.tasks[self._tasks[name]]
            self._update(name, int(task.total or 1), int(task.total or 1), _ending(summary))

    def _update(self, name: str, done: int, total: int | None, news: str) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total, news=news)
        self._bars.update(self._tasks[name], completed=done, total=total, news=news)


class PlainWatcher(Watcher):
    """Lines for a log: where there is no terminal. At most one every few seconds."""

    def __init__(self, console: Console, seconds: float = 5.0) -> None:
        self._console = console
        self._seconds = seconds
        self._last = self._opening = 0.0
        self._begun: dict[str, float] = {}
        self._stages: list[str] = []

    def stage(self, text: str) -> None:
        self._begun[text.partition(":")[0]] = time.monotonic()
        self._stages.append(text)  # shown with what comes of it: a request that is refused is one line and no more

    def opened(self, done: int, total: int) -> None:
        self._opening = self._opening if done else time.monotonic()
        if time.monotonic() - max(self._last, self._opening) > self._seconds:
            self._line(f"audio files {done}/{total} {_rate(done, self._opening)}")

    def prepared(self, done: int, total: int) -> None:
        if done == total or time.monotonic() - self._last > self._seconds:
            self._line(f"features {done}/{total}")

    def begin(self, row: str, number: int, rows: int) -> None:
        self._begun[row] = time.monotonic()
        self._line(f"{row}: row {number} of {rows}")

    def round(self, progress: RoundProgress) -> None:
        if progress.round == progress.rounds or time.monotonic() - self._last > self._seconds:
            self._line(f"{progress.row} {progress.round}/{progress.rounds} {_news(progress)} {self._left(progress)}")

    def end(self, summary: Mapping[str, Any]) -> None:
        self._line(f"{summary['name']}: {_ending(summary)}")

    def _left(self, progress: RoundProgress) -> str:
        begun = self._begun.setdefault(progress.row, time.monotonic())
        spent = time.monotonic() - begun
        if not progress.round or progress.round == progress.rounds:
            return ""
        return f"about {spent / progress.round * (progress.rounds - progress.round):.0f} s left"

    def _line(self, text: str) -> None:
        self._last = time.monotonic()
        for line in (*self._stages, text.rstrip()):
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        self._stages.clear()


def _rate(files: int, since: float) -> str:
    return f"{files / max(time.monotonic() - since, 1e-3):,.0f} files a second"


def _news(progress: RoundProgress) -> str:
    parts = [
        "" if progress.train_loss is None else f"loss {progress.train_loss:.2f}",
        "" if progress.development_wer is None else f"development WER {progress.development_wer:.1%}",
    ]
    return ", ".join(part for part in parts if part)


def _ending(summary: Mapping[str, Any]) -> str:
    if summary["status"] == "failed":
        return f"failed: {summary['failure']}"
    return "done" if summary["wer"] is None else f"WER {summary['wer']:.1%}"
