"""From a line of a table to its cells: a line is a row, and no cell ever holds a line break."""

from __future__ import annotations

import re

from fedasr.corpora.faults import EntryError

_QUOTED = {mark: re.compile(rf'"((?:[^"]|"")*)"(?={mark}|$)') for mark in ",;\t"}
_CSV_QUOTED = re.compile(r'"(?:[^"]|"")*""(?:[^"]|"")*"')


def tab_cells(line: str) -> list[str]:
    """Return the cells of a line of a TSV file, which knows no quoting: a quotation mark is a character."""
    return line.split("\t")


def plain_tab_cells(line: str) -> list[str]:
    """Return the cells of a line of a TSV file; who quoted them as in CSV meant other texts.

    Raises
    ------
    EntryError
        Where a cell stands in quotation marks and all within it are doubled.
    """
    cells = tab_cells(line)
    if any(_CSV_QUOTED.fullmatch(cell) for cell in cells):
        told = "a cell is quoted as in CSV, its quotation marks doubled; write TSV without quoting, or save it as .csv"
        raise EntryError(told, "quoted cells")
    return cells


def comma_cells(line: str) -> list[str]:
    """Return the cells of a line of a CSV file (RFC 4180), in which cells with commas and quotation marks are quoted.

    Raises
    ------
    EntryError
        As `quoted_cells`.
    """
    return quoted_cells(line, ",")


def quoted_cells(line: str, mark: str) -> list[str]:
    """Return the cells of a line quoted as in CSV, with another mark between them: a comma, a semicolon or a tab.

    Raises
    ------
    EntryError
        Where a quoted cell does not end: its quotation mark is unpaired, or it holds a line break.
    """
    cells: list[str] = []
    start = 0
    while start <= len(line):
        if line[start : start + 1] == '"':
            cell, start = _quoted(line, start, mark)
        else:
            end = line.find(mark, start)
            end = len(line) if end < 0 else end
            cell, start = line[start:end], end
        cells.append(cell)
        start += 1
    return cells


def _quoted(line: str, start: int, mark: str) -> tuple[str, int]:
    match = _QUOTED[mark].match(line, start)
    if match is None:
        told = "a quoted cell does not end on this line; pair its quotation marks, and take out line breaks"
        raise EntryError(told, "unpaired quotation marks")
    return match[1].replace('""', '"'), match.end()
