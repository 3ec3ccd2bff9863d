"""Several seeds of one point of the comparison, taken together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

from fedasr.runs.data import RowData, RunData, ScoreData


@dataclass(frozen=True)
class Estimate:
    """A value and its interval: 95% over speakers for one seed, the range over several seeds; None where none is."""

    value: float
    low: float | None
    high: float | None
    seeds: int


@dataclass(frozen=True)
class Group:
    """The rows (seeds) that share one name."""

    name: str
    rows: tuple[RowData, ...]

    @property
    def strategy(self) -> str:
        """The strategy of all its rows."""
        return self.rows[0].strategy

    @property
    def finished(self) -> tuple[RowData, ...]:
        """The rows that did not fail."""
        return tuple(row for row in self.rows if not row.failed)

    @property
    def failures(self) -> tuple[str, ...]:
        """One line for each failed row."""
        seeds = len(self.rows) > 1
        return tuple(
            f"{f'seed {row.seed}: ' if seeds else ''}{row.failure or 'failed'}" for row in self.rows if row.failed
        )

    def values(self, value: Callable[[RowData], float | None]) -> list[float]:
        """Return what the finished rows know of a value."""
        known = (value(row) for row in self.finished)
        return [number for number in known if number is not None]

    def mean(self, value: Callable[[RowData], float | None]) -> float | None:
        """Return the mean over the seeds, or None where no row knows the value."""
        values = self.values(value)
        return fmean(values) if values else None

    def wer(self) -> Estimate | None:
        """Return the mean test WER, with its 95% interval (one seed) or range (several)."""
        values = self.values(lambda row: row.wer)
        if not values:
            return None
        if len(values) > 1:
            return Estimate(fmean(values), min(values), max(values), len(values))
        low, high = self.interval() or (None, None)
        return Estimate(values[0], low, high, 1)

    def interval(self) -> tuple[float, float] | None:
        """Return the 95% interval over test speakers, its ends averaged over the seeds."""
        low, high = self.mean(lambda row: row.wer_low), self.mean(lambda row: row.wer_high)
        return None if low is None or high is None else (low, high)


def groups(data: RunData) -> list[Group]:
    """Return the rows of a run by name, in the order of the experiment."""
    by_name: dict[str, list[RowData]] = {}
    for row in data.rows:
        by_name.setdefault(row.name, []).append(row)
    return [Group(name, tuple(rows)) for name, rows in by_name.items()]


def pooled_scores(parts: list[tuple[ScoreData, ...]]) -> list[tuple[str, float]]:
    """Return (name, WER) of each silo or speaker over all seeds, best first; those without words left out."""
    errors: dict[str, int] = {}
    words: dict[str, int] = {}
    for score in (score for part in parts for score in part):
        errors[score.name] = errors.get(score.name, 0) + score.errors
        words[score.name] = words.get(score.name, 0) + score.words
    scored = ((name, errors[name] / words[name]) for name in errors if words[name])
    return sorted(scored, key=lambda item: (item[1], item[0]))
