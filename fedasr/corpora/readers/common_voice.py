"""Mozilla Common Voice, one language's folder."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from torchaudio.datasets import COMMONVOICE

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile, inspect
from fedasr.corpora.readers.records import plain_text
from fedasr.corpora.utterance import Utterance

_REQUIRED = ("client_id", "path", "sentence")
_FIELDS = {"accent": "accent", "accents": "accent", "age": "age", "locale": "locale"}


def read_common_voice(path: Path, subset: str | None = None) -> tuple[Utterance, ...]:
    """Return the utterances of one of the corpus' tables; nothing is downloaded.

    Punctuation is dropped, since nobody speaks it.

    Parameters
    ----------
    path : Path
        The folder that holds ``validated.tsv`` and ``clips``.
    subset : str, optional
        The name of a table without its ending: ``validated`` (the default), ``train``, ``dev``, ``test``, …
    """
    table = path / f"{subset or 'validated'}.tsv"
    if not table.is_file() or not (path / "clips").is_dir():
        raise UserError(f"{path}: no Common Voice here; looked for {table} and the folder {path / 'clips'}")
    header, rows = _rows(table)
    missing = [name for name in _REQUIRED if name not in header]
    if missing:
        raise UserError(f"{table}:1: no column '{missing[0]}'; found: {', '.join(header)}")
    return tuple(_utterance(table, header, cells, row) for row, cells in enumerate(rows, start=1))


def _rows(table: Path) -> tuple[list[str], list[list[str]]]:
    try:
        dataset = COMMONVOICE(table.parent, tsv=table.name)
    except (csv.Error, OSError, ValueError, StopIteration) as error:
        raise UserError(f"{table}: not a table of Common Voice ({error}); unpack the archive again") from error
    # This data set has no get_metadata(), and its items are decoded audio.
    return dataset._header, dataset._walker


def _utterance(table: Path, header: list[str], cells: list[str], row: int) -> Utterance:
    if len(cells) != len(header):
        raise UserError(f"{table}: row {row} has {len(cells)} cells, not {len(header)}; look for an unpaired quote")
    values = dict(zip(header, cells, strict=True))
    name = values["path"] if Path(values["path"]).suffix else f"{values['path']}.mp3"
    text = plain_text(values["sentence"])
    if not text:
        raise UserError(f"{table}: row {row}: empty sentence; remove the row")
    audio = table.parent / "clips" / name
    return Utterance(name, values["client_id"], text, inspect(audio).seconds, AudioFile(audio), _fields(values))


def _fields(values: Mapping[str, str]) -> dict[str, str]:
    fields = {ours: values[theirs] for theirs, ours in _FIELDS.items() if values.get(theirs)}
    sex = {"f": "f", "m": "m"}.get(values.get("gender", "")[:1])
    return fields | ({"sex": sex} if sex else {})
