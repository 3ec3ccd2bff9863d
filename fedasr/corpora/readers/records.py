"""What manifests and tables share: from the named values of a line to an utterance, or to what is wrong with it."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fedasr.corpora.audio import AudioFile
from fedasr.corpora.faults import Entry, EntryError, Fault
from fedasr.corpora.readers.lines import read_text
from fedasr.corpora.text import normal_text, plain_text
from fedasr.corpora.utterance import NO_FIELDS, Utterance

__all__ = [
    "AUDIO", "DURATION", "ID", "OFFSET", "SPEAKER", "TEXT", "Record", "entries", "normal_text", "plain_text",
    "read_text",
]  # fmt: skip

AUDIO, OFFSET, DURATION, TEXT, SPEAKER, ID = "audio_filepath", "offset", "duration", "text", "speaker", "id"
_LONGEST_SECONDS = 1e9
_OWN = frozenset({AUDIO, OFFSET, DURATION, TEXT, SPEAKER, ID})


@dataclass(frozen=True)
class Record:
    """The named values of one line.

    Parameters
    ----------
    where : str
        ``file:line``, for messages.
    values : mapping
    """

    where: str
    values: Mapping[str, object]


def entries(records: Iterable[Record | Fault], folder: Path, require_speaker: bool) -> Iterator[Entry]:
    """Yield the utterance of each record, or what is wrong with it.

    Parameters
    ----------
    records : iterable of Record or Fault
    folder : Path
        What relative audio paths are relative to.
    require_speaker : bool
        Whether `duration` and `speaker` have to be there; otherwise the audio's header gives the one, and each
        utterance is a speaker of its own.
    """
    shared: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {(): NO_FIELDS}
    for record in records:
        if isinstance(record, Fault):
            yield record
            continue
        try:
            fields = _fields(record)
            yield _utterance(record, folder, require_speaker, shared.setdefault(tuple(fields.items()), fields))
        except EntryError as error:
            yield error.at(record.where)


def _utterance(record: Record, folder: Path, require_speaker: bool, fields: Mapping[str, str]) -> Utterance:
    name = _string(record, AUDIO)
    text = normal_text(_string(record, TEXT, empty="empty text: write the transcript or remove the line"))
    duration = _duration(record, require_speaker)
    audio = _audio(record, folder / name, duration)
    identity = _string(record, ID) if record.values.get(ID) is not None else _name(name, audio)
    speaker = sys.intern(_speaker(record, identity, require_speaker))
    return Utterance(identity, speaker, text, duration, audio, fields, record.where)


def _audio(record: Record, path: Path, duration: float) -> AudioFile:
    """Return the file, or the part of it that begins at `offset` and lasts for `duration`."""
    if record.values.get(OFFSET) is None:
        return AudioFile(path)
    return AudioFile(path, _seconds(record, OFFSET), None if math.isnan(duration) else duration)


def _name(name: str, audio: AudioFile) -> str:
    """Return the id of what has none: the file's name, for a part of it with begin and end in milliseconds."""
    if audio.offset_seconds == 0 and audio.length_seconds is None:
        return name
    end = "" if audio.length_seconds is None else f"{1000 * (audio.offset_seconds + audio.length_seconds):.0f}"
    return f"{name}-{1000 * audio.offset_seconds:.0f}-{end}"


def _value(record: Record, key: str, mend: str) -> object:
    value = record.values.get(key)
    if value is None:
        raise EntryError(f"no '{key}'; {mend}", f"without {key}")
    return value


def _string(record: Record, key: str, empty: str | None = None) -> str:
    value = _value(record, key, f'add "{key}" to the line')
    if not isinstance(value, str):
        raise EntryError(f"'{key}' must be a string, not {json.dumps(value)[:40]}; put it in quotes", f"wrong {key}")
    if not value.strip():
        raise EntryError(empty or f"empty '{key}'; write it or remove the line", f"empty {key}")
    return value


def _speaker(record: Record, identity: str, required: bool) -> str:
    if record.values.get(SPEAKER) is None and not required:
        return identity
    mend = "say who speaks (any name, the same on all lines of one person): speech is divided by speaker"
    value = _value(record, SPEAKER, mend)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise EntryError(
            f"'{SPEAKER}' must be a string, not {json.dumps(value)[:40]}; put it in quotes", f"wrong {SPEAKER}"
        )
    if not str(value).strip():
        raise EntryError(f"empty '{SPEAKER}'; {mend}", f"without {SPEAKER}")
    return str(value).strip()


def _duration(record: Record, required: bool) -> float:
    if record.values.get(DURATION) is None and not required:
        return math.nan
    _value(record, DURATION, "give the length of the audio in seconds")
    return _seconds(record, DURATION)


def _seconds(record: Record, key: str) -> float:
    value = record.values[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        told = f"'{key}' must be a number of seconds, not {json.dumps(value)[:40]}; correct it"
        raise EntryError(told, f"wrong {key}")
    if not 0 <= value < _LONGEST_SECONDS or (value == 0 and key == DURATION):
        told = f"'{key}' must be a positive number of seconds, not {str(value)[:40]}; correct it"
        raise EntryError(told, f"wrong {key}")
    return float(value) + 0.0  # no minus before a zero


def _fields(record: Record) -> dict[str, str]:
    others = {k: v for k, v in record.values.items() if k not in _OWN and v is not None}
    return {k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in others.items()}
