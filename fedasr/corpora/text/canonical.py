"""The one form in which texts and names are held, so that what looks alike is alike."""

from __future__ import annotations

import re
import unicodedata

from fedasr.corpora.text.invisible import without_invisible

_HALVES = re.compile("[\ud800-\udfff]")


def canonical(text: str) -> str:
    """Return a text in its one form; the form of a form is itself.

    Letters are composed (Unicode's normal form C), invisible marks removed (zero-width joiners between letters
    stay, they are part of the spelling), line breaks and any other white space become single spaces.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return " ".join(unicodedata.normalize("NFC", without_invisible(text)).split())


def canonical_name(name: str) -> str:
    """Return the one form of a speaker's or an utterance's name: "José" is one person however it is encoded."""
    return canonical(name)


def half_characters(text: str) -> tuple[str, ...]:
    """Return the lone surrogates of a text (``U+D83D``), each once: halves of characters, which no file can hold."""
    return tuple(dict.fromkeys(f"U+{ord(half):04X}" for half in _HALVES.findall(text)))
