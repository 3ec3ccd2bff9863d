"""The rows of a table: one a line, named by the header."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.corpora.checking.places import printable
from fedasr.corpora.faults import EntryError, Fault
from fedasr.corpora.readers.lines import numbered_lines
from fedasr.corpora.readers.records import Record

CellsOf = Callable[[str], list[str]]
"""From a line to its cells; an EntryError where it cannot be one."""

DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}


def table_rows(
    file: Path, cells_of: CellsOf, wanted: Sequence[str], others: Sequence[CellsOf] = ()
) -> Iterator[Record | Fault]:
    """Yield the cells of each row by the names of their columns, all of them strings; blank rows are passed over.

    Parameters
    ----------
    file : Path
    cells_of : callable
    wanted : sequence of str
        The columns that must be there.
    others : sequence of callable
        Taken in the place of `cells_of` where the header has those columns by one of them alone.

    Raises
    ------
    UserError
        Where the header is not that of such a table, or no row follows it.
    """
    lines = ((number, line) for number, line in numbered_lines(file, "table") if line.strip())
    number, first = next(lines, (1, ""))
    cells_of = _fitting(first, wanted, cells_of, others)
    header = _header(f"{file}:{number}", cells_of, first, wanted)
    row: Record | Fault | None = None
    for number, line in lines:
        if (row := _row(f"{file}:{number}", header, cells_of, line)) is not None:
            yield row
    if row is None:
        raise UserError(f"{file}: a table without rows")


def _fitting(line: str, wanted: Sequence[str], own: CellsOf, others: Sequence[CellsOf]) -> CellsOf:
    """Return that way to read the header which finds all columns: its own one, or the only other one that does."""
    found = [cells_of for cells_of in others if _finds(cells_of, line, wanted)]
    return own if len(found) != 1 or _finds(own, line, wanted) else found[0]


def _finds(cells_of: CellsOf, line: str, wanted: Sequence[str]) -> bool:
    try:
        return set(wanted) <= set(_names(cells_of, line))
    except EntryError:
        return False


def _names(cells_of: CellsOf, line: str) -> list[str]:
    return [name.strip() for name in cells_of(line)]


def _header(where: str, cells_of: CellsOf, line: str, wanted: Sequence[str]) -> list[str]:
    try:
        header = _names(cells_of, line)
    except EntryError as error:
        raise UserError(str(error.at(where))) from error
    missing = [name for name in wanted if name not in header]
    if missing:
        found = printable(", ".join(header)) if any(header) else "none"
        told = f"no column '{missing[0]}'; found: {found}"
        raise UserError(f"{where}: {told}; {_hint(line, wanted, cells_of)}")
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise UserError(f"{where}: column '{twice[0]}' is there twice; remove one")
    return header


def _hint(line: str, wanted: Sequence[str], cells_of: CellsOf) -> str:
    """Return the mend: another delimiter where the columns are there with another one between them."""
    meant = _delimiter(cells_of)
    for delimiter, called in DELIMITERS.items():
        if set(wanted) <= {name.strip().strip('"') for name in line.split(delimiter)}:
            return f"its cells have {called} between them; write it with {meant}"
    return f"name the columns in the first line, with {meant} between"


def _delimiter(cells_of: CellsOf) -> str:
    return "commas" if len(cells_of("a,b")) > 1 else "tabs"


def _row(where: str, header: list[str], cells_of: CellsOf, line: str) -> Record | Fault | None:
    try:
        cells = cells_of(line)
    except EntryError as error:
        return error.at(where)
    if not any(cell.strip() for cell in cells):
        return None
    if len(cells) != len(header):
        told = f"{len(cells)} cells, but {len(header)} columns"
        return Fault(where, f"{told}; correct it: a delimiter or a line break may stand within a cell", "ragged rows")
    if [cell.strip() for cell in cells] == header:
        return Fault(where, "the header once more; remove the line", "headers")
    return Record(where, dict(zip(header, cells, strict=True)))
