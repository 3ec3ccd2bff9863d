"""What occurs twice in a corpus: an id, or the same piece of audio."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from fedasr.corpora.audio import AudioFile
from fedasr.corpora.checking.places import place_of
from fedasr.corpora.faults import Entry, Fault
from fedasr.corpora.utterance import Utterance


def each_once(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Pass on what is new; an id or a piece of audio that was there before is a fault."""
    ids: dict[str, Utterance] = {}
    pieces: dict[AudioFile, Utterance] = {}
    for entry in entries:
        if isinstance(entry, Fault):
            yield entry
        elif (first := ids.setdefault(entry.id, entry)) is not entry:
            yield _twice(entry, f"id '{entry.id}'", first)
        elif isinstance(entry.audio, AudioFile) and (
            (first := pieces.setdefault(piece_of(entry.audio), entry)) is not entry
        ):
            yield _twice(entry, f"audio '{entry.audio.path}'", first)
        else:
            yield entry


def piece_of(audio: AudioFile) -> AudioFile:
    """Return the audio, its path absolute and without ``..``: one file has one name."""
    parent = audio.path.parent
    folder = _normal(parent) if parent.is_absolute() else Path(os.path.abspath(parent))
    return audio if folder is None else replace(audio, path=folder / audio.path.name)


@lru_cache(maxsize=256)
def _normal(folder: Path) -> Path | None:
    """Return an absolute folder without ``..``; None where there is none in it."""
    return Path(os.path.normpath(folder)) if ".." in folder.parts else None


def _twice(entry: Utterance, what: str, first: Utterance) -> Fault:
    return Fault(place_of(entry), f"duplicate {what}, first at {place_of(first)}; remove one of them", "duplicates")
