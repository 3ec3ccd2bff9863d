"""Data sets of Hugging Face's that were saved to disk.

The library ``datasets`` opens the table; audio stays bytes, as with ``Audio(decode=False)``, and is decoded by
soundfile like any file.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.columns import Columns
from fedasr.corpora.faults import EntryError, Fault
from fedasr.corpora.readers.records import normal_text
from fedasr.corpora.toolkits.places import found_from
from fedasr.corpora.toolkits.stored_audio import StoredAudio
from fedasr.corpora.toolkits.tables import opened, split_folder
from fedasr.corpora.utterance import AudioSource, Utterance

OWN = Columns(audio="audio", text="text", speaker="speaker")
"""What the columns are called where nobody says otherwise."""

_ROWS_AT_ONCE = 1000


@dataclass(frozen=True)
class _DataSet:
    """An opened data set, and what its columns are called."""

    folder: Path
    found: Any
    names: Columns

    @property
    def plain(self) -> list[str]:
        """The columns of single values: texts, numbers, labels."""
        return [name for name, feature in self.found.features.items() if _is_plain(feature)]


def read_datasets(path: Path, subset: str | None = None, columns: Columns | None = None) -> Iterator[Utterance | Fault]:
    """Yield an utterance a row; the column ``id``, where there is one, names it, else its number.

    Parameters
    ----------
    path : Path
        What ``save_to_disk`` wrote.
    subset : str, optional
        The split.
    columns : Columns, optional
        What the columns of audio, texts and speakers are called.

    Raises
    ------
    UserError
        If this is no such data set, it lacks a column, or the library is not installed.
    """
    folder = split_folder(path, subset)
    data = _DataSet(folder, opened(folder), (columns or OWN).over(OWN))
    _check_columns(data)
    row = 0
    for batch in data.found.data.to_batches(max_chunksize=_ROWS_AT_ONCE):
        heard = batch.column(data.names.audio)
        for place, cells in enumerate(_cells(batch.select(data.plain), f"{folder}, from row {row} on")):
            yield _entry(data, row, cells, heard[place])
            row += 1


def _cells(batch: Any, where: str) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = batch.to_pylist()
    except UnicodeDecodeError as error:
        raise UserError(f"{where}: a text that is not UTF-8; save the data set again from its source") from error
    return found


def _check_columns(data: _DataSet) -> None:
    features, names = data.found.features, vars(data.names)
    for key, name in names.items():
        if name not in features:
            told = f"no column '{name}'; found: {', '.join(features)}"
            raise UserError(f'{data.folder}: {told}; say which it is: corpus.columns = {{ {key} = "…" }}')
        if key != "audio" and name not in data.plain:
            raise UserError(f"{data.folder}: column '{name}' holds no single values; corpus.columns must name another")
    if not _is_audio(features[data.names.audio]):
        mend = f'cast it: ds.cast_column("{data.names.audio}", Audio()) and save it again'
        raise UserError(f"{data.folder}: column '{data.names.audio}' holds no audio files; {mend}")


def _is_plain(feature: Any) -> bool:
    return type(feature).__name__ in ("Value", "ClassLabel") and feature.dtype not in ("binary", "large_binary")


def _is_audio(feature: Any) -> bool:
    return type(feature).__name__ == "Audio" or getattr(feature, "dtype", "") in ("string", "large_string")


def _entry(data: _DataSet, row: int, cells: Mapping[str, Any], heard: Any) -> Utterance | Fault:
    where = f"{data.folder}, row {row}"
    told = {name: _text(data.found.features[name], value) for name, value in cells.items() if value is not None}
    try:
        text, speaker = (_told(told, name) for name in (data.names.text, data.names.speaker))
        audio = _audio(data, row, heard)
    except EntryError as error:
        return error.at(where)
    own = {*vars(data.names).values(), "id"}
    fields = {name: value for name, value in told.items() if name not in own}
    return Utterance(
        told.get("id", f"row-{row}"), sys.intern(speaker), normal_text(text), math.nan, audio, fields, where=where
    )


def _told(told: Mapping[str, str], name: str) -> str:
    if name not in told:
        raise EntryError(f"no '{name}' in this row; write it or filter the row out", f"without {name}")
    return told[name]


def _text(feature: Any, value: Any) -> str:
    """Return a value as text; a label by its name."""
    if type(feature).__name__ == "ClassLabel" and 0 <= value < len(feature.names):
        return str(feature.names[value])
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _audio(data: _DataSet, row: int, heard: Any) -> AudioSource:
    """Return the bytes of a cell, or the file that it names: a struct of both, or a path."""
    path = heard
    if heard.is_valid and type(data.found.features[data.names.audio]).__name__ == "Audio":
        if heard["bytes"].is_valid:
            return StoredAudio(data.folder.absolute(), data.names.audio, row)
        path = heard["path"]
    if not path.is_valid or not path.as_py():
        raise EntryError(f"no '{data.names.audio}' in this row; filter the row out", "without audio")
    return AudioFile(found_from(data.folder, path.as_py()))
