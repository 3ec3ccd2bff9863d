"""What messages call an entry, in characters that can be written."""

from __future__ import annotations

from fedasr.corpora.faults import Fault
from fedasr.corpora.text import half_characters
from fedasr.corpora.utterance import Utterance


def place_of(utterance: Utterance) -> str:
    """Return ``file:line`` of an utterance, or its id where its reader does not say where it stands."""
    return printable(utterance.where) or f"utterance '{printable(utterance.id)}'"


def printable(text: object) -> str:
    """Return a text that any terminal and file takes; what cannot be shown is written as its number."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def is_text(text: str) -> bool:
    """Return whether a text holds whole characters only, so that it can be written to a file."""
    return text.isascii() or not half_characters(text)


def legible(fault: Fault) -> Fault:
    """Return a fault that can be shown and written, whatever its file is called."""
    reason = fault.reason.removeprefix(f"{fault.where}: ")  # an entry that is a file is named once
    return Fault(printable(fault.where), printable(reason), fault.kind)
