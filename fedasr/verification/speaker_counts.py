"""Errors and words by speaker: as hypotheses give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fedasr.verification.arithmetic.levenshtein import NO_EDITS, Edits, edits

GREEDY, DECODED = "greedy", "decoded"
KEYS = {GREEDY: "hypothesis", DECODED: "decoded"}
"""Of a line of ``hypotheses.jsonl``."""
NEW, OWN, LEFT_BEHIND, NOISY = "new speakers", "own speakers", "left behind", "new speakers, noisy"


@dataclass(frozen=True)
class Recounted:
    """Edits of words and of characters."""

    words: Edits = NO_EDITS
    characters: Edits = NO_EDITS

    def __add__(self, other: Recounted) -> Recounted:
        return Recounted(self.words + other.words, self.characters + other.characters)


def recount(said: str, heard: str) -> Recounted:
    """Return the errors of one hypothesis; of a reference without a word all that was heard is inserted."""
    if not said.split():
        return Recounted(edits((), heard.split()), edits((), heard))
    return Recounted(edits(said.split(), heard.split()), edits(said.strip(), heard.strip()))


def recounted(lines: Iterable[Mapping[str, Any]], key: str) -> dict[str, Recounted]:
    """Return the errors of each speaker in hypotheses, those of a key; nothing where none was decoded so.

    Parameters
    ----------
    lines : iterable of mapping
        Of ``hypotheses.jsonl``.
    key : str
        ``"hypothesis"`` or ``"decoded"``.
    """
    found: dict[str, Recounted] = {}
    for line in lines:
        if line.get(key) is not None:
            found[line["speaker"]] = found.get(line["speaker"], Recounted()) + recount(line["reference"], line[key])
    return dict(sorted(found.items()))


def plain(counts: Mapping[str, Recounted]) -> dict[str, tuple[int, int]]:
    """Return errors and words alone."""
    return {name: (one.words.errors, one.words.length) for name, one in counts.items()}


def together(counts: Iterable[Recounted]) -> Recounted:
    """Return the sum."""
    return sum(counts, Recounted())
