"""Named rules: how a transcript is made of what is written."""

from __future__ import annotations

import unicodedata

from fedasr.corpora.text.canonical import canonical
from fedasr.corpora.text.invisible import JOINERS


def normal_text(text: str) -> str:
    """Return a transcript in its one form and in lower case."""
    return canonical(canonical(text).lower())


def plain_text(text: str) -> str:
    """Return a written sentence without punctuation: letters, digits and apostrophes in lower case.

    Numbers stay as they are written.
    """
    kept = "".join(c if _is_spoken(c) else " " for c in canonical(text).replace("’", "'"))
    return canonical(" ".join(word for word in kept.lower().split() if word.strip("'")))


def _is_spoken(character: str) -> bool:
    return character == "'" or character in JOINERS or unicodedata.category(character)[0] in "LMN"
