"""Named rules: how a transcript is made of what is written."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping

from fedasr.corpora.text.canonical import canonical
from fedasr.corpora.text.invisible import JOINERS

AS_READ, NORMALISED = "as read", "normalised"
"""What ``corpus.text`` may be."""


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
    """Say whether a character is spoken; half a character is kept, so that the check of a corpus finds it."""
    kind = unicodedata.category(character)
    return character == "'" or character in JOINERS or kind[0] in "LMN" or kind == "Cs"


RULES: Mapping[str, Callable[[str], str]] = {AS_READ: canonical, NORMALISED: plain_text}
"""How transcripts are made of what a reader read, by the name that a model remembers."""
