"""Manifests, the native form of a corpus: JSON lines of `audio_filepath`, `duration`, `text`, `speaker`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.corpora.faults import Entry, EntryError, Fault
from fedasr.corpora.readers.lines import numbered_lines
from fedasr.corpora.readers.records import Record, entries

MANIFEST = "manifest.jsonl"


def read_manifest(path: Path, *, require_speaker: bool = True) -> Iterator[Entry]:
    """Return the utterances of a manifest, and what is wrong with its lines.

    Parameters
    ----------
    path : Path
        The manifest, or the folder that holds a ``manifest.jsonl``.
    require_speaker : bool
        Whether every line has to name its speaker and duration. Without it, for scoring, a line without
        speaker is a speaker of its own, and the audio's header says how long it is.

    Raises
    ------
    UserError
        Where there is no manifest, or one without lines.
    """
    file = path / MANIFEST if os.path.isdir(path) else path
    if not os.path.isfile(file):
        raise UserError(f"{path}: no manifest here; expected JSON lines, or a folder with {MANIFEST}")
    return entries(_records(file), file.parent, require_speaker)


def write_manifest(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write a manifest, one row a line, so that a reader sees the old file or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _records(file: Path) -> Iterator[Record | Fault]:
    where = ""
    for number, line in numbered_lines(file, "manifest"):
        if line.strip():
            if not where:
                _check_is_no_table(file, number, line)
            where = f"{file}:{number}"
            try:
                yield Record(where, _object(line))
            except EntryError as error:
                yield error.at(where)
    if not where:
        raise UserError(f"{file}: an empty manifest; it needs one JSON object a line")


def _check_is_no_table(file: Path, number: int, line: str) -> None:
    """Refuse at once a file whose name and first line are those of a table."""
    if file.suffix.lower() in (".csv", ".tsv", ".txt") and "{" not in line and any(mark in line for mark in ",;\t"):
        mend = 'say --kind table, or corpus.kind = "table" in an experiment'
        raise UserError(f"{file}:{number}: not JSON, but what a table may begin with; of a table {mend}")


def _object(line: str) -> dict[str, object]:
    try:
        value = json.loads(line, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise EntryError(f"not JSON ({error}); write one JSON object a line", "not JSON") from error
    if not isinstance(value, dict):
        raise EntryError('not a JSON object; write {"audio_filepath": …, "text": …}', "not JSON")
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise EntryError(f"the key '{twice}' is there twice; remove one", "keys twice")
    return values
