"""One form for texts and names, and what none of them may hold."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from fedasr.corpora.audio import AudioFile
from fedasr.corpora.checking.places import is_text, place_of, printable
from fedasr.corpora.faults import Entry, EntryError, Fault
from fedasr.corpora.text import canonical, canonical_name, half_characters
from fedasr.corpora.utterance import Utterance


def in_one_form(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Bring texts, speakers and ids into their one form; what has none is a fault."""
    for entry in entries:
        if isinstance(entry, Fault):
            yield entry
            continue
        try:
            yield _formed(entry)
        except EntryError as error:
            yield error.at(place_of(entry))


def _formed(utterance: Utterance) -> Utterance:
    if isinstance(utterance.audio, AudioFile):
        _check_path(utterance.audio.path)
    named = {"speaker": utterance.speaker, "id": utterance.id}
    for what, value in ({"text": utterance.text} | named | dict(utterance.fields)).items():
        _check_whole(printable(what), value)
        _check_whole("the name of a field", what)
    text, speaker, name = canonical(utterance.text), canonical_name(utterance.speaker), canonical_name(utterance.id)
    if not text:
        raise EntryError("empty text: write the transcript or remove the line", "empty text")
    if not speaker or not name:
        raise EntryError(f"empty '{'id' if speaker else 'speaker'}'; give it a name", "no name")
    fields = _composed(utterance.fields)
    if (text, speaker, name) == (utterance.text, utterance.speaker, utterance.id) and fields is utterance.fields:
        return utterance
    return replace(utterance, text=text, speaker=speaker, id=name, fields=fields)


def _check_path(path: Path) -> None:
    # By folder and name: a path remembers its whole text, which a million of them should not.
    if not (is_text(path.name) and _is_text(path.parent)):
        raise EntryError(f"the file name '{printable(path)}' is not UTF-8; rename the file, here too", "file names")
    if "\0" in path.name or "\0" in str(path.parent):
        raise EntryError(f"no file can be called '{printable(path)}'; correct the path", "file names")


@lru_cache(maxsize=256)
def _is_text(folder: Path) -> bool:
    return is_text(str(folder))


def _check_whole(what: str, value: str) -> None:
    if not is_text(value):
        halves = half_characters(value)
        raise EntryError(f"{what} holds half a character ({halves[0]}); write it anew", "half characters")


def _composed(fields: Mapping[str, str]) -> Mapping[str, str]:
    """Return the fields with composed letters: an accent by its name is one accent."""
    if all(value.isascii() or unicodedata.is_normalized("NFC", value) for value in fields.values()):
        return fields
    return {key: unicodedata.normalize("NFC", value) for key, value in fields.items()}
