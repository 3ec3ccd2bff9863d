"""Tables: CSV or TSV with the columns of a manifest."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.corpora.readers.records import AUDIO, DURATION, SPEAKER, TEXT, Record, read_text, utterances
from fedasr.corpora.utterance import Utterance

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_NAMES = ("manifest.csv", "manifest.tsv")


def read_table(path: Path, *, require_speaker: bool = True) -> tuple[Utterance, ...]:
    """Return the utterances of a CSV or TSV file; its first line names the columns.

    Parameters
    ----------
    path : Path
        The table, or the folder that holds a ``manifest.csv`` or ``manifest.tsv``.
    require_speaker : bool
        As for `fedasr.corpora.readers.manifest.read_manifest`.
    """
    file = _file(path)
    delimiter = _DELIMITERS.get(file.suffix.lower())
    if delimiter is None:
        raise UserError(f"{file}: a table's name must end in .csv or .tsv")
    found = utterances(_records(file, delimiter, require_speaker), file.parent, require_speaker)
    if not found:
        raise UserError(f"{file}: a table without rows")
    return found


def _file(path: Path) -> Path:
    inside = [path / name for name in _NAMES if (path / name).is_file()]
    if path.is_dir() and inside:
        return inside[0]
    if not path.is_file():
        raise UserError(f"{path}: no table here; expected a .csv or .tsv file, or a folder with {_NAMES[0]}")
    return path


def _records(file: Path, delimiter: str, require_speaker: bool) -> Iterator[Record]:
    reader = csv.reader(io.StringIO(read_text(file, "table"), newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(file, header, require_speaker)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _record(f"{file}:{reader.line_num}", header, cells)
    except csv.Error as error:
        raise UserError(f"{file}:{reader.line_num}: not a row of a table ({error})") from error


def _check_header(file: Path, header: list[str], require_speaker: bool) -> None:
    wanted = (AUDIO, DURATION, TEXT, SPEAKER) if require_speaker else (AUDIO, TEXT)
    missing = [name for name in wanted if name not in header]
    if missing:
        columns = ", ".join(header) or "none"
        raise UserError(f"{file}:1: no column '{missing[0]}'; found: {columns}")
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise UserError(f"{file}:1: column '{twice[0]}' is there twice; remove one")


def _record(where: str, header: list[str], cells: list[str]) -> Record:
    if len(cells) != len(header):
        raise UserError(f"{where}: {len(cells)} cells, but {len(header)} columns; quote cells with a delimiter")
    values: dict[str, object] = {k: v for k, v in zip(header, cells, strict=True) if v.strip() or k == TEXT}
    if isinstance(seconds := values.get(DURATION), str):
        values[DURATION] = _number(seconds)
    return Record(where, values)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
