"""Which rows may be published: those that promise privacy, and those that no private speech had a part in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from fedasr.runs.data import RowData, RunData
from fedasr.runs.row_summary import RowSummary

Standing = Literal["promised", "public", "unpromised"]


def standing(row: RowSummary) -> Standing:
    """Return how a row stands to the silos' speech.

    ==============  ====================================================================================
    ``promised``    an ε holds of all that is made of private speech in it
    ``public``      no private speech had a part in it but by what an earlier row promised: it costs nothing more
    ``unpromised``  private speech had a part in it, or nobody can tell, and no ε holds: none, or a void one
    ==============  ====================================================================================

    A row that failed is as one that finished: what it learnt before stands in its folder.
    """
    if row.promises:
        return "promised"
    return "public" if row.private_speech is False else "unpromised"


def withheld(data: RunData) -> tuple[RowData, ...]:
    """Return the rows that may not be published: with them the ε of whatever shows them is infinite.

    All of them where the decoder that they share was learnt on private text.
    """
    private_text = data.decoding is not None and bool(data.decoding.whose)
    return tuple(row for row in data.rows if private_text or standing(row) == "unpromised")


def published(data: RunData) -> RunData:
    """Return a run without the rows that may not be published: their rates, curves and models."""
    kept_back = {row.folder for row in withheld(data)}
    return replace(data, rows=tuple(row for row in data.rows if row.folder not in kept_back))


def names(some: Iterable[RowData], data: RunData) -> list[str]:
    """Return the names of some rows of a run; their folders where others of a name are not among them."""
    folders = {row.folder: row.name for row in some}
    mixed = {row.name for row in data.rows if row.folder not in folders}
    return list(dict.fromkeys(folder if name in mixed else name for folder, name in folders.items()))
