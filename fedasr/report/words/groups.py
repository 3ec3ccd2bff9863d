"""Several trainings (seeds, draws of the speakers) of one point of the comparison, taken together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

from fedasr.comparison.intervals import Interval, rate_interval, ratio_interval
from fedasr.comparison.model_errors import ModelErrors
from fedasr.runs.data import GREEDY, NEW_SPEAKERS, RowData, RunData, ScoreData


@dataclass(frozen=True)
class Group:
    """The rows (draws, seeds) that share one name."""

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
        return tuple(f"{self._which(row)}{row.failure or 'failed'}" for row in self.rows if row.failed)

    def values(self, value: Callable[[RowData], float | None]) -> list[float]:
        """Return what the finished rows know of a value."""
        known = (value(row) for row in self.finished)
        return [number for number in known if number is not None]

    def mean(self, value: Callable[[RowData], float | None]) -> float | None:
        """Return the mean over the rows, or None where no row knows the value."""
        values = self.values(value)
        return fmean(values) if values else None

    def tested(self, of: str = NEW_SPEAKERS, decoding: str = GREEDY) -> list[ModelErrors]:
        """Return the errors of each finished row by speaker; of rows without them, nothing."""
        return [found for row in self.finished if (found := errors_of(row, of, decoding)).errors]

    def rate(self, of: str = NEW_SPEAKERS, decoding: str = GREEDY) -> Interval | None:
        """Return the pooled error rate with its 95% interval; None where nothing was scored so."""
        return rate_interval(self.tested(of, decoding))

    def wer(self) -> Interval | None:
        """Return the WER on test speakers: of one training as its summary has it, of several their errors pooled."""
        rows = [row for row in self.finished if row.wer is not None]
        if not rows:
            return None
        pooled = self.rate() if len(rows) > 1 and len(self.tested()) == len(rows) else None
        if pooled is not None:
            return pooled
        low, high = (rows[0].wer_low, rows[0].wer_high) if len(rows) == 1 else (None, None)
        draws, speakers = {row.draw for row in rows}, {name for one in self.tested() for name, _, _ in one.errors}
        return Interval(fmean([row.wer or 0.0 for row in rows]), low, high, len(rows), len(draws), len(speakers))

    def interval(self) -> tuple[float, float] | None:
        """Return the ends of the 95% interval of the WER on test speakers."""
        wer = self.wer()
        return None if wer is None or wer.low is None or wer.high is None else (wer.low, wer.high)

    def _which(self, row: RowData) -> str:
        draw = f"draw {row.draw}" if row.draw is not None else ""
        seeds = len([other for other in self.rows if other.draw == row.draw]) > 1
        parts = [draw, f"seed {row.seed}" if seeds else ""]
        return "".join(f"{part}: " for part in (", ".join(filter(None, parts)),) if part)


def errors_of(row: RowData, of: str = NEW_SPEAKERS, decoding: str = GREEDY) -> ModelErrors:
    """Return a row's errors by speaker."""
    scores = [score for score in row.speaker_scores if (score.of, score.decoding) == (of, decoding)]
    errors = tuple((score.speaker, score.errors, score.words) for score in scores)
    return ModelErrors(row.draw or 0, row.seed or 0, errors, row.training_speakers)


def paired(one: Group, other: Group, of: str = NEW_SPEAKERS, decoding: str = GREEDY) -> Interval | None:
    """Return the ratio of two groups' error rates, paired by draw, seed and speaker; None where they cannot be."""
    return ratio_interval(one.tested(of, decoding), other.tested(of, decoding))


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
