"""The comparison as a table for a terminal, and as plain text for a log file."""

from __future__ import annotations

import re

from rich import box
from rich.table import Table
from rich.text import Text

from fedasr.report.tables.comparison import HEADINGS, TableRow, table_rows
from fedasr.report.tables.footnotes import footnotes
from fedasr.runs.data import RunData

_PLAIN = {"–": "-", "−": "-", "δ": "delta", "ε": "epsilon", "≥": ">=", "∞": "infinite", "’": "'"}

# Only these wrap, and between words: so eleven columns fit a terminal of 80.
_WRAPPED = ("row", "epsilon", "time")


def table(data: RunData) -> Table:
    """Return the comparison as a table for a terminal."""
    shown = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False, title=Text(data.experiment, "bold"))
    shown.title_justify = "left"
    lines = [[_stacked(row, column) for column in range(len(HEADINGS))] for row in table_rows(data)]
    for column, heading in enumerate(HEADINGS):
        words = [heading, *(word for line in lines for word in line[column].plain.split())]
        shown.add_column(
            heading.removesuffix(" %") if heading == "own %" else heading,
            justify="left" if heading in ("row", "epsilon") else "right",
            width=min(max(map(len, words)), 24) if heading in _WRAPPED else None,
            no_wrap=heading not in _WRAPPED,
            overflow="fold",
        )
    for line in lines:
        shown.add_row(*line)
    if notes := footnotes(data):
        shown.caption = Text("\n".join(notes), "dim")
        shown.caption_justify = "left"
    return shown


def plain_table(data: RunData) -> str:
    """Return the comparison as plain ASCII columns, for a log file."""
    lines = [list(HEADINGS), *([_ascii(str(cell)) for cell in row.cells] for row in table_rows(data))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join(line.rstrip() for line in [*text, *(_ascii(note) for note in footnotes(data))]) + "\n"


def _stacked(row: TableRow, column: int) -> Text:
    """A narrow cell for the terminal: below a value what qualifies it, of a promise its unit, of own speech nothing."""
    cell = row.cells[column]
    most = {"epsilon": 1, "own %": 0}.get(HEADINGS[column], len(cell.details))
    details = cell.details[:most]
    lines = [cell.text, *details]
    if HEADINGS[column] == "WER %":
        lines = [
            line.partition(", ")[0]
            .replace("silos ", "silos\n")
            .replace("decoded ", "decoded\n")
            .replace("noisy ", "noisy\n")
            for line in lines
        ]
    if HEADINGS[column] in ("up", "down"):
        lines = [line.replace(" ", "") for line in lines]
    if HEADINGS[column] == "time":
        lines = [re.sub(r" (min|[hsd])\b", lambda unit: unit[1][0], line) for line in lines]
    text = Text(lines[0], "bold" if row.best else "")
    for line in lines[1:]:
        text.append(f"\n{line}", "not bold dim")
    return text


def _ascii(text: str) -> str:
    for sign, plain in _PLAIN.items():
        text = text.replace(sign, plain)
    return text.encode("ascii", "replace").decode()
