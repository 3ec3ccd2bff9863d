"""Which rows may be published: those that promise privacy, and those that no private speech had a part in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from fedasr.runs.data import RowData, RunData
from fedasr.runs.row_summary import RowSummary

PROTECTED = "protected"
"""The `RowSummary.start_speech` of a start that has heard the silos under a promise."""

Standing = Literal["promised", "public", "unpromised"]


def standing(row: RowSummary) -> Standing:
    """Return how a row stands to the silos' speech.

    ==============  ====================================================================================
    ``promised``    an ε holds of all that is made of private speech in it
    ``public``      no private speech had a part in it but by what an earlier row promised: it costs nothing more
    ``unpromised``  private speech had a part in it, or nobody can tell, and no ε holds: none, or a void one
    ==============  ====================================================================================

    A row that failed is as one that finished: what it learnt stands in its folder. What its start cost, and whether a
    row says so, `withheld` looks up among the others.
    """
    if row.promises:
        return "promised"
    return "public" if row.private_speech is False else "unpromised"


def withheld(data: RunData) -> tuple[RowData, ...]:
    """Return the rows that may not be published: with them the ε of whatever shows them is infinite.

    All of them where the decoder that they share was learnt on private text, and of draws that hear as public whom
    others hear as private. A row without a promise of its own whose start has heard the silos under one is among them
    unless a row that it begins from holds that promise: of a start that was paid for in another run, or under a
    promise that turned void, no row here says what it cost.
    """
    every_row = data.crossed > 0 or (data.decoding is not None and bool(data.decoding.whose))
    return tuple(row for row in data.rows if every_row or standing(row) == "unpromised" or _owes(row, data.rows))


def _owes(row: RowSummary, rows: Iterable[RowSummary]) -> bool:
    """Return whether a row has something of the silos by a promise that neither it nor a row behind it holds."""
    if row.promises or row.start_speech != PROTECTED:
        return False
    place = (row.draw, row.seed)
    return not any(one.promises and one.name in row.lineage and (one.draw, one.seed) == place for one in rows)


def published(data: RunData) -> RunData:
    """Return a run without the rows that may not be published: their rates, curves and models."""
    kept_back = {row.folder for row in withheld(data)}
    return replace(data, rows=tuple(row for row in data.rows if row.folder not in kept_back))


def names(some: Iterable[RowData], data: RunData) -> list[str]:
    """Return the names of some rows of a run; their folders where others of a name are not among them."""
    folders = {row.folder: row.name for row in some}
    mixed = {row.name for row in data.rows if row.folder not in folders}
    return list(dict.fromkeys(folder if name in mixed else name for folder, name in folders.items()))
