"""What manifests and tables share: from the named values of a line to an utterance, and what may be wrong."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile, inspect
from fedasr.corpora.text import normal_text, plain_text
from fedasr.corpora.utterance import Utterance

__all__ = ["normal_text", "plain_text"]  # where readers of one's own have them from

AUDIO, DURATION, TEXT, SPEAKER, ID = "audio_filepath", "duration", "text", "speaker", "id"
_OWN = frozenset({AUDIO, DURATION, TEXT, SPEAKER, ID})


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

    def fail(self, message: str) -> UserError:
        """Return an error that names the line."""
        return UserError(f"{self.where}: {message}")


def utterances(records: Iterable[Record], folder: Path, require_speaker: bool) -> tuple[Utterance, ...]:
    """Return the utterances of some records, each checked, together with the header of its audio.

    Parameters
    ----------
    records : iterable of Record
    folder : Path
        What relative audio paths are relative to.
    require_speaker : bool
        Whether `duration` and `speaker` have to be there; otherwise the header gives the one, and each
        utterance is a speaker of its own.
    """
    seen: dict[tuple[str, str], str] = {}
    found = []
    for record in records:
        name = _string(record, AUDIO)
        identity = _string(record, ID) if record.values.get(ID) is not None else name
        for key, value in ((ID, identity), (AUDIO, os.path.normpath(name))):
            first = seen.setdefault((key, value), record.where)
            if first != record.where:
                raise record.fail(f"duplicate {key} '{value}', first at {first}; remove one of the lines")
        found.append(_utterance(record, identity, folder / name, require_speaker))
    return tuple(found)


def read_text(path: Path, what: str) -> str:
    """Return the text of a UTF-8 file, or say why it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot read the {what} ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: the {what} is not UTF-8 text; save it as UTF-8") from error


def _utterance(record: Record, identity: str, path: Path, require_speaker: bool) -> Utterance:
    text = normal_text(_string(record, TEXT, empty="empty text: write the transcript or remove the line"))
    if record.values.get("offset"):
        raise record.fail("offset: parts of a file are not supported; cut each part into a file of its own")
    speaker = _speaker(record, identity, require_speaker)
    declared = _duration(record, require_speaker)
    return Utterance(identity, speaker, text, _agreed(record, path, declared), AudioFile(path), _fields(record))


def _value(record: Record, key: str, mend: str) -> object:
    value = record.values.get(key)
    if value is None:
        raise record.fail(f"no '{key}'; {mend}")
    return value


def _string(record: Record, key: str, empty: str | None = None) -> str:
    value = _value(record, key, f'add "{key}" to the line')
    if not isinstance(value, str):
        raise record.fail(f"'{key}' must be a string, not {json.dumps(value)[:40]}")
    if not value.strip():
        raise record.fail(empty or f"empty '{key}'")
    return value


def _speaker(record: Record, identity: str, required: bool) -> str:
    if record.values.get(SPEAKER) is None and not required:
        return identity
    mend = "say who speaks (any name, the same on all lines of one person): speech is divided by speaker"
    value = _value(record, SPEAKER, mend)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise record.fail(f"'{SPEAKER}' must be a string, not {json.dumps(value)[:40]}")
    if not str(value).strip():
        raise record.fail(f"empty '{SPEAKER}'; {mend}")
    return str(value).strip()


def _duration(record: Record, required: bool) -> float | None:
    if record.values.get(DURATION) is None and not required:
        return None
    value = _value(record, DURATION, "give the length of the audio in seconds")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise record.fail(f"'{DURATION}' must be a number of seconds, not {json.dumps(value)[:40]}")
    if not math.isfinite(value) or value <= 0:
        raise record.fail(f"'{DURATION}' must be positive, not {value}")
    return float(value)


def _agreed(record: Record, path: Path, declared: float | None) -> float:
    try:
        actual = inspect(path).seconds
    except UserError as error:
        raise record.fail(f"'{AUDIO}': {error}") from error
    if declared is not None and abs(declared - actual) > max(0.1, 0.02 * actual):
        raise record.fail(
            f"'{DURATION}' says {declared:g} s but {path} is {actual:.3f} s long; correct whichever is wrong"
        )
    return actual if declared is None else declared


def _fields(record: Record) -> dict[str, str]:
    others = {k: v for k, v in record.values.items() if k not in _OWN and v is not None}
    return {k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in others.items()}
