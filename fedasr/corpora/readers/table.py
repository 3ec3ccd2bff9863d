"""Tables: CSV or TSV with the columns of a manifest."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.corpora.columns import Columns
from fedasr.corpora.faults import Entry, Fault
from fedasr.corpora.readers.cells import comma_cells, plain_tab_cells
from fedasr.corpora.readers.records import AUDIO, DURATION, OFFSET, SPEAKER, TEXT, Record, entries
from fedasr.corpora.readers.rows import CellsOf, table_rows

_CELLS: dict[str, CellsOf] = {".csv": comma_cells, ".tsv": plain_tab_cells}
ENDINGS = tuple(_CELLS)
TABLES = ("manifest.csv", "manifest.tsv")
_OWN = Columns(audio=AUDIO, text=TEXT, speaker=SPEAKER)


def read_table(path: Path, *, require_speaker: bool = True, columns: Columns | None = None) -> Iterator[Entry]:
    """Return the utterances of a CSV or TSV file, and what is wrong with its rows; its first line names the columns.

    CSV is quoted (RFC 4180), TSV is not: a quotation mark is a character of the text.

    Parameters
    ----------
    path : Path
        The table, or the folder that holds a ``manifest.csv`` or ``manifest.tsv``.
    require_speaker : bool
        As for `fedasr.corpora.readers.manifest.read_manifest`.
    columns : Columns, optional
        What the columns of audio, texts and speakers are called, where not as in a manifest.

    Raises
    ------
    UserError
        Where there is no table, or it lacks a column or rows.
    """
    file = _file(path)
    cells_of = _CELLS.get(file.suffix.lower())
    if cells_of is None:
        raise UserError(f"{file}: a table's name must end in .csv or .tsv")
    names = (columns or _OWN).over(_OWN)
    wanted = (names.audio, DURATION, names.text, names.speaker) if require_speaker else (names.audio, names.text)
    rows = (_typed(row, names) for row in table_rows(file, cells_of, wanted))
    return entries(rows, file.parent, require_speaker)


def _file(path: Path) -> Path:
    inside = [path / name for name in TABLES if os.path.isfile(path / name)]
    if os.path.isdir(path) and inside:
        return inside[0]
    if not os.path.isfile(path):
        raise UserError(f"{path}: no table here; expected a .csv or .tsv file, or a folder with {TABLES[0]}")
    return path


def _typed(row: Record | Fault, names: Columns) -> Record | Fault:
    """Return a row with a manifest's names, whose empty cells are left out and whose numbers are numbers."""
    if isinstance(row, Fault):
        return row
    cells = _renamed(row.values, names)
    values = {name: cell for name, cell in cells.items() if str(cell).strip() or name == TEXT}
    numbers = {name: _number(str(values[name])) for name in (OFFSET, DURATION) if name in values}
    return Record(row.where, values | numbers)


def _renamed(cells: Mapping[str, object], names: Columns) -> dict[str, object]:
    """Return the cells under a manifest's names; what has such a name and another's place is left out."""
    meant = {getattr(names, key): own for key, own in vars(_OWN).items()}
    return {meant.get(name, name): cell for name, cell in cells.items() if name in meant or name not in meant.values()}


def _number(text: str) -> float | str:
    try:
        return text if "_" in text else float(text)
    except ValueError:
        return text
