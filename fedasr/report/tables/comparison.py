"""The comparison row by row, ready to print: for the page, a terminal or a paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fedasr.comparison.intervals import Interval
from fedasr.report.words.covered import ends_of
from fedasr.report.words.groups import Group, groups
from fedasr.report.words.pairs import trainings_text, worse_than_start
from fedasr.report.words.promises import is_public, promise_of
from fedasr.report.words.units import at_least_text, bytes_text, epsilon_text, percent, seconds_text
from fedasr.report.words.whose import is_withheld
from fedasr.runs.data import DECODED, LEFT_BEHIND, NOISY, OWN_SPEAKERS, RowData, RunData
from fedasr.runs.row_summary import VOID

HEADINGS = ("row", "WER %", "own %", "CER %", "epsilon", "up", "down", "rounds", "silos", "time", "memory")
"""WER on new speakers (the test part), and on own speakers: what silos hold out of their own speech."""
UNKNOWN = "–"


@dataclass(frozen=True)
class Cell:
    """A value and, in smaller print, what qualifies it."""

    text: str
    details: tuple[str, ...] = ()
    key: float | None = None
    """What a column of numbers is sorted by; None comes last."""

    @property
    def detail(self) -> str:
        """What qualifies the value, in one line."""
        return ", ".join(self.details)

    def __str__(self) -> str:
        return f"{self.text} ({self.detail})" if self.details else self.text


@dataclass(frozen=True)
class TableRow:
    """One point of the comparison, ready to print; cells in the order of `HEADINGS`."""

    cells: tuple[Cell, ...]
    failures: tuple[str, ...]
    notes: tuple[str, ...]
    best: bool


def table_rows(data: RunData, release: bool = False) -> list[TableRow]:
    """Return the comparison row by row; a release leaves out what is seen silo by silo."""
    everyone = groups(data)
    wers = [wer.value for group in everyone if (wer := group.wer()) is not None]
    best = min(wers) if len(wers) > 1 else None
    return [_table_row(group, best, release, worse_than_start(group, everyone)) for group in everyone]


def _table_row(group: Group, best: float | None, release: bool, remark: str | None) -> TableRow:
    wer = group.wer()
    cells = (
        Cell(group.name),
        _wer(group, release),
        _own(group, release),
        _mean(group, lambda row: row.cer, percent),
        _epsilon(group),
        _mean(group, lambda row: row.uplink_bytes, bytes_text),
        _mean(group, lambda row: row.downlink_bytes, bytes_text),
        _mean(group, lambda row: row.rounds, lambda value: f"{value:.0f}"),
        _mean(group, lambda row: row.silos, lambda value: f"{value:,.0f}"),
        _time(group),
        _mean(group, lambda row: row.peak_memory_bytes, bytes_text),
    )
    return TableRow(cells, group.failures, _notes(group, remark), wer is not None and wer.value == best)


def _mean(group: Group, value: Callable[[RowData], float | None], text: Callable[[float], str]) -> Cell:
    mean = group.mean(value)
    return Cell(UNKNOWN if mean is None else text(mean), key=mean)


def _wer(group: Group, release: bool) -> Cell:
    if not group.finished:
        return Cell("failed")
    wer = group.wer()
    if wer is None:
        return Cell("no test speakers")
    details = list(rate_cell(wer).details)
    spreads = [row.wer_spread for row in group.finished if row.wer_spread]
    if spreads and not release:
        low, high = min(spread[0] for spread in spreads), max(spread[1] for spread in spreads)
        details.append(f"silos {percent(low, 0)}–{percent(high, 0)}")
    details += _rate("decoded", group.rate(decoding=DECODED)) + _rate("noisy", group.rate(NOISY))
    return Cell(percent(wer.value), (*details, *_rate("noisy decoded", group.rate(NOISY, DECODED))), wer.value)


def rate_cell(found: Interval) -> Cell:
    """Return a rate in percent with its interval and of how many trainings it is."""
    return Cell(percent(found.value), tuple(filter(None, (ends_of(found), trainings_text(found)))), found.value)


def _own(group: Group, release: bool) -> Cell:
    found = group.rate(OWN_SPEAKERS)
    if found is None or (release and is_withheld(group)):
        return Cell(UNKNOWN)
    details = (ends_of(found), *_rate("decoded", group.rate(OWN_SPEAKERS, DECODED)))
    details += tuple(_rate("left behind", group.rate(LEFT_BEHIND)))
    return Cell(percent(found.value), tuple(filter(None, details)), found.value)


def _rate(name: str, found: Interval | None) -> list[str]:
    """Return a rate by its name, and its interval; nothing where it was not measured."""
    if found is None:
        return []
    return [", ".join(filter(None, (f"{name} {percent(found.value)}", ends_of(found))))]


def _epsilon(group: Group) -> Cell:
    """The largest promise of one of the seeds, and what all that is published promises together."""
    found = promise_of(group)
    if found is None and is_public(group):
        return Cell("0", ("no private speech",), 0.0)
    if found is None:
        return Cell(UNKNOWN if not group.finished else "none promised")
    parts = [] if found.holds else ["no guarantee"]
    parts += [f"per {found.unit}"] if found.unit else []
    parts += [f"δ={epsilon_text(found.delta)}"] if found.delta is not None else []
    parts += [found.adjacency] if found.adjacency else []
    parts += [found.kind] if found.kind not in (None, VOID) else []
    together = max(group.values(lambda row: row.epsilon_together), default=None)
    parts += [f"together {epsilon_text(together)}"] if together is not None and together > found.epsilon else []
    empirical = max(group.values(lambda row: row.epsilon_empirical), default=None)
    parts += [f"audit ≥ {at_least_text(empirical)}"] if empirical is not None else []
    number = epsilon_text(found.epsilon) if found.holds else VOID if found.kind == VOID else "none promised"
    return Cell(number, tuple(parts), found.epsilon if found.holds else None)


def _time(group: Group) -> Cell:
    wall, simulated = group.mean(lambda row: row.wall_seconds), group.mean(lambda row: row.simulated_seconds)
    networked = any(row.network not in (None, "", "none") for row in group.rows)
    details = (f"simulated {seconds_text(simulated)}",) if networked and simulated is not None else ()
    return Cell(UNKNOWN if wall is None else seconds_text(wall), details, wall)


def _notes(group: Group, remark: str | None) -> tuple[str, ...]:
    notes = [remark] if remark else []
    notes += list(dict.fromkeys(row.note for row in group.rows if row.note))
    refused = sum(row.refused_replies or 0 for row in group.rows)
    if refused:
        notes.append(f"{refused} replies refused, or never came")
    dropped = sum(row.dropped_replies or 0 for row in group.rows)
    if dropped:
        notes.append(f"{dropped} replies missing of silos that the simulated network let drop out")
    return tuple(notes)
