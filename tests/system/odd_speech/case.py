"""A case of odd speech: files, and what is right, decided before looking at what fedasr does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from system.odd_speech.made.riff import wav
from system.odd_speech.made.signals import chirp

Content = bytes | str | Callable[[], bytes]
CLIP = wav(chirp(0.5))
"""Half a second at 8 kHz."""


class Right(Protocol):
    """What holds of the files in a folder, or else `AssertionError`."""

    def check(self, folder: Path) -> None: ...


@dataclass(frozen=True)
class Case:
    """One odd file or line.

    Parameters
    ----------
    name : str
    files : mapping
        Contents by path; text is written as UTF-8.
    right : Right
    """

    name: str
    files: Mapping[str, Content]
    right: Right

    def write(self, folder: Path) -> None:
        """Write the files."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            made = content() if callable(content) else content
            path.write_bytes(made.encode() if isinstance(made, str) else made)


Row = Mapping[str, object] | str


def line(number: int, row: Row = "") -> str:
    """Return the nth line of a manifest; a mapping changes it (``...`` removes a key), other text takes its place."""
    if isinstance(row, str) and row:
        return row
    usual = {"audio_filepath": f"{number}.wav", "duration": 0.5, "text": "one two", "speaker": f"s{number}"}
    changed = usual | dict(row or {})  # type: ignore[call-overload]
    return json.dumps({key: value for key, value in changed.items() if value is not ...})


def manifest(*rows: Row, clips: int | None = None, **files: Content) -> dict[str, Content]:
    """Return a manifest of these lines and a clip for each."""
    text = "".join(line(number, row) + "\n" for number, row in enumerate(rows, start=1))
    return clip_files(len(rows) if clips is None else clips) | {"manifest.jsonl": text} | files


def clip_files(count: int, form: str = "{}.wav") -> dict[str, Content]:
    """Return clips, numbered from 1."""
    return {form.format(number): CLIP for number in range(1, count + 1)}


def texts(*said: str) -> dict[str, Content]:
    """Return a manifest in which these texts are said."""
    return manifest(*({"text": text} for text in said))


def table(name: str, content: bytes | str, clips: int = 2) -> dict[str, Content]:
    """Return a table and clips beside it."""
    return clip_files(clips) | {name: content}


COLUMNS = "client_id\tpath\tsentence\tup_votes\tdown_votes\tage\tgender\taccents\tlocale\tsegment"


def common_voice(*sentences: str, end: str = "\n", head: str = COLUMNS, start: str = "") -> dict[str, Content]:
    """Return a Common Voice folder with these sentences, written without quoting."""
    rows = [f"c{n}\t{n}.wav\t{said}\t2\t0\t\t\t\ten\t" for n, said in enumerate(sentences, start=1)]
    text = start + "".join(row + end for row in [head, *rows])
    return clip_files(len(sentences), "clips/{}.wav") | {"validated.tsv": text}


def voices(content: bytes | str, clips: Sequence[int] = (1, 2)) -> dict[str, Content]:
    """Return a Common Voice folder with this table."""
    return {f"clips/{n}.wav": CLIP for n in clips} | {"validated.tsv": content}
