"""What some texts hold that tokens cannot write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from fedasr.asr.tokens.base import Tokens

_NAMED = 8


@dataclass(frozen=True)
class Unwritten:
    """Characters or words without a token of their own, in some of a number of texts.

    Parameters
    ----------
    unit : str
        ``"characters"`` or ``"words"``.
    counts : mapping of str to int
        How often each occurs, the most frequent first.
    texts, of : int
        How many texts hold one, and how many were looked at.
    """

    unit: str
    counts: Mapping[str, int]
    texts: int
    of: int

    def __bool__(self) -> bool:
        return bool(self.texts)

    @property
    def names(self) -> str:
        """The most frequent of them, to be read: ``'é' (U+00E9), 'ü' (U+00FC) and 3 more``."""
        names = [_name(unit) for unit in list(self.counts)[:_NAMED]]
        more = len(self.counts) - len(names)
        return ", ".join(names) + (f" and {more} more" if more else "")


def unwritten_in(texts: Iterable[str], tokens: Tokens) -> Unwritten:
    """Count the characters, or words where tokens are words, that the tokens cannot write.

    Parameters
    ----------
    texts : iterable of str
    tokens : Tokens
    """
    can_write = cache(tokens.can_write)
    counts: Counter[str] = Counter()
    holding = seen = 0
    for text in texts:
        units = text.split() if tokens.unit == "words" else text.replace(" ", "")
        found = [unit for unit in units if not can_write(unit)]
        counts.update(found)
        holding, seen = holding + bool(found), seen + 1
    ranked = sorted(counts, key=lambda unit: (-counts[unit], unit))
    return Unwritten(tokens.unit, {unit: counts[unit] for unit in ranked}, holding, seen)


def _name(unit: str) -> str:
    return f"'{unit}'" if len(unit) > 1 else f"'{unit}' (U+{ord(unit):04X})"
