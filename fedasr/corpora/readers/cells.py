"""From a line of a table to its cells: a line is a row, and no cell ever holds a line break."""

from __future__ import annotations

import re

from fedasr.corpora.faults import EntryError

_QUOTED = re.compile(r'"((?:[^"]|"")*)"(?=,|$)')


def tab_cells(line: str) -> list[str]:
    """Return the cells of a line of a TSV file, which knows no quoting: a quotation mark is a character."""
    return line.split("\t")


def comma_cells(line: str) -> list[str]:
    """Return the cells of a line of a CSV file (RFC 4180), in which cells with commas and quotation marks are quoted.

    Raises
    ------
    EntryError
        Where a quoted cell does not end: its quotation mark is unpaired, or it holds a line break.
    """
    cells: list[str] = []
    start = 0
    while start <= len(line):
        if line[start : start + 1] == '"':
            cell, start = _quoted(line, start)
        else:
            end = line.find(",", start)
            end = len(line) if end < 0 else end
            cell, start = line[start:end], end
        cells.append(cell)
        start += 1
    return cells


def _quoted(line: str, start: int) -> tuple[str, int]:
    match = _QUOTED.match(line, start)
    if match is None:
        told = "a quoted cell does not end on this line; pair its quotation marks, and take out line breaks"
        raise EntryError(told, "unpaired quotation marks")
    return match[1].replace('""', '"'), match.end()
