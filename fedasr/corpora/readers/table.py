"""Tables: text with the columns of a manifest, and a comma, a semicolon or a tab between them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.corpora.columns import Columns
from fedasr.corpora.faults import Entry, Fault
from fedasr.corpora.readers.cells import comma_cells, plain_tab_cells, quoted_cells
from fedasr.corpora.readers.records import AUDIO, DURATION, OFFSET, SPEAKER, TEXT, Record, entries
from fedasr.corpora.readers.rows import CellsOf, table_rows

_SEMICOLONS = partial(quoted_cells, mark=";")
_CSV: tuple[CellsOf, ...] = (comma_cells, _SEMICOLONS, partial(quoted_cells, mark="\t"))
_TSV: tuple[CellsOf, ...] = (plain_tab_cells, comma_cells, _SEMICOLONS)
_CELLS = {".csv": _CSV, ".tsv": _TSV, ".txt": _CSV}
ENDINGS = (".csv", ".tsv")
"""Names that tell of a table; one that ends in ``.txt`` may be anything else, and is one where that is said."""
TABLES = ("manifest.csv", "manifest.tsv")
_OWN = Columns(audio=AUDIO, text=TEXT, speaker=SPEAKER)


def read_table(path: Path, *, require_speaker: bool = True, columns: Columns | None = None) -> Iterator[Entry]:
    """Return the utterances of a table, and what is wrong with its rows; its first line names the columns.

    Between them stands what the file's name tells, or else the one of comma, semicolon and tab by which all are there.
    Cells are quoted (RFC 4180), but not between the tabs of a TSV file: there a quotation mark is a character.

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
    if file.suffix.lower() not in _CELLS:
        raise UserError(f"{file}: a table's name must end in .csv, .tsv or .txt")
    cells_of, *others = _CELLS[file.suffix.lower()]
    names = (columns or _OWN).over(_OWN)
    wanted = (names.audio, DURATION, names.text, names.speaker) if require_speaker else (names.audio, names.text)
    rows = (_typed(row, names) for row in table_rows(file, cells_of, wanted, others))
    return entries(rows, file.parent, require_speaker)


def _file(path: Path) -> Path:
    inside = [path / name for name in TABLES if os.path.isfile(path / name)]
    if os.path.isdir(path) and inside:
        return inside[0]
    if not os.path.isfile(path):
        raise UserError(f"{path}: no table here; expected a .csv, .tsv or .txt file, or a folder with {TABLES[0]}")
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
