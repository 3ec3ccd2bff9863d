"""Manifests, the native form of a corpus: JSON lines of `audio_filepath`, `duration`, `text`, `speaker`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.corpora.readers.records import Record, read_text, utterances
from fedasr.corpora.utterance import Utterance

MANIFEST = "manifest.jsonl"


def read_manifest(path: Path, *, require_speaker: bool = True) -> tuple[Utterance, ...]:
    """Return the utterances of a manifest.

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
        Naming file and line, if anything is missing, of the wrong type, twice there, or in disagreement
        with the audio.
    """
    file = path / MANIFEST if path.is_dir() else path
    if not file.is_file():
        raise UserError(f"{path}: no manifest here; expected JSON lines, or a folder with {MANIFEST}")
    found = utterances(_records(file), file.parent, require_speaker)
    if not found:
        raise UserError(f"{file}: an empty manifest; it needs one JSON object a line")
    return found


def write_manifest(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write a manifest, one row a line, so that a reader sees the old file or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _records(file: Path) -> Iterator[Record]:
    # Not splitlines(): JSON strings may hold U+2028 and its like.
    for number, line in enumerate(read_text(file, "manifest").split("\n"), start=1):
        if line.strip():
            yield Record(f"{file}:{number}", _object(line, f"{file}:{number}"))


def _object(line: str, where: str) -> dict[str, object]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not JSON ({error}); write one JSON object a line") from error
    if not isinstance(value, dict):
        raise UserError(f'{where}: not a JSON object; write {{"audio_filepath": …, "text": …}}')
    return value
