"""Mozilla Common Voice, one language's folder."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.faults import Entry, Fault
from fedasr.corpora.readers.cells import tab_cells
from fedasr.corpora.readers.records import Record, plain_text
from fedasr.corpora.readers.rows import table_rows
from fedasr.corpora.utterance import Utterance

_REQUIRED = ("client_id", "path", "sentence")
_FIELDS = {"accent": "accent", "accents": "accent", "age": "age", "locale": "locale"}


def read_common_voice(path: Path, subset: str | None = None) -> Iterator[Entry]:
    """Return the utterances of one of the corpus' tables, which know no quoting, and what is wrong with its rows.

    Punctuation is dropped, since nobody speaks it.

    Parameters
    ----------
    path : Path
        The folder that holds ``validated.tsv`` and ``clips``.
    subset : str, optional
        The name of a table, with its ending or without: ``validated`` (the default), ``train``, ``dev``, ``test``, …

    Raises
    ------
    UserError
        Where there is no such table, or it lacks a column or rows.
    """
    table = path / f"{(subset or 'validated').removesuffix('.tsv')}.tsv"
    if not table.is_file() or not (path / "clips").is_dir():
        raise UserError(f"{path}: no Common Voice here; looked for {table} and the folder {path / 'clips'}")
    shared: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}
    return (_entry(row, path / "clips", shared) for row in table_rows(table, tab_cells, _REQUIRED))


def _entry(
    row: Record | Fault, clips: Path, shared: dict[tuple[tuple[str, str], ...], Mapping[str, str]]
) -> Entry:  # fmt: skip
    if isinstance(row, Fault):
        return row
    values = {name: str(cell) for name, cell in row.values.items()}
    missing = [name for name in ("client_id", "path") if not values[name].strip()]
    if missing:
        return Fault(row.where, f"empty '{missing[0]}'; remove the row", f"empty {missing[0]}")
    name = values["path"] if Path(values["path"]).suffix else f"{values['path']}.mp3"
    fields = _fields(values)
    return Utterance(
        name, sys.intern(values["client_id"]), plain_text(values["sentence"]), math.nan, AudioFile(clips / name),
        shared.setdefault(tuple(fields.items()), fields), row.where,
    )  # fmt: skip


def _fields(values: Mapping[str, str]) -> dict[str, str]:
    fields = {ours: values[theirs] for theirs, ours in _FIELDS.items() if values.get(theirs)}
    sex = {"f": "f", "m": "m"}.get(values.get("gender", "")[:1])
    return fields | ({"sex": sex} if sex else {})
