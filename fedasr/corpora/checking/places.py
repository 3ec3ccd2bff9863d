"""What messages call an entry, in characters that can be written."""

from __future__ import annotations

from fedasr.corpora.text import half_characters
from fedasr.corpora.utterance import Utterance


def place_of(utterance: Utterance) -> str:
    """Return ``file:line`` of an utterance, or its id where its reader does not say where it stands."""
    return utterance.where or f"utterance '{printable(utterance.id)}'"


def printable(text: object) -> str:
    """Return a text that any terminal takes; what is no character is written as its number."""
    return str(text).encode("utf-8", "backslashreplace").decode()


def is_text(text: str) -> bool:
    """Return whether a text holds whole characters only, so that it can be written to a file."""
    return text.isascii() or not half_characters(text)
