"""The columns of the comparison that go into a paper: one value a cell, none that no row knows."""

from __future__ import annotations

from fedasr.comparison.intervals import Interval
from fedasr.report.tables.comparison import HEADINGS, UNKNOWN, Cell, TableRow, rate_cell, table_rows
from fedasr.report.words.groups import Group, groups
from fedasr.report.words.units import seconds_text
from fedasr.runs.data import DECODED, NOISY, RunData

WORDS = ("row", "ε")
"""The columns that hold words."""
_NAMES = {"epsilon": "ε", "own %": "WER %, own speakers"}


def columns(data: RunData, release: bool = False) -> list[list[str]]:
    """Return the headings and a line for each row, without the columns of which no row knows anything.

    Parameters
    ----------
    data : RunData
    release : bool
        Leave out what is seen silo by silo.
    """
    rows = [_cells(group, row) for group, row in zip(groups(data), table_rows(data, release), strict=True)]
    names = [name for name in rows[0] if any(row[name] != UNKNOWN for row in rows)] if rows else list(HEADINGS)
    return [names, *([row[name] for name in names] for row in rows)]


def _cells(group: Group, row: TableRow) -> dict[str, str]:
    wer = group.wer()
    found: dict[str, str] = {}
    for heading, cell in zip(HEADINGS, row.cells, strict=True):
        found[_NAMES.get(heading, heading)] = str(Cell(cell.text, cell.details[:1] if heading in _FIRST else ()))
        if heading == "WER %":
            found[heading] = cell.text if wer is None else str(rate_cell(wer))
            found["WER %, decoded"] = _rate(group.rate(decoding=DECODED))
            found["WER %, noisy"] = _rate(group.rate(NOISY))
    seconds = group.mean(lambda one: one.simulated_seconds) if row.cells[HEADINGS.index("time")].details else None
    found["simulated time"] = UNKNOWN if seconds is None else seconds_text(seconds)
    return found


_FIRST = ("epsilon", "own %")
"""Of these the first detail says what the value is of: a unit, an interval."""


def _rate(found: Interval | None) -> str:
    return UNKNOWN if found is None else str(rate_cell(found))
