"""Tokens that are phones: what a frame classifier labels, and what aligns its speech. Token 0 is silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from fedasr.asr.tokens.base import Tokens

Pronunciation = tuple[str, ...]
MOST_PRONUNCIATIONS = 12
"""Of a word; the most frequent ones are kept."""


@dataclass(frozen=True)
class PhoneTokens(Tokens):
    """One token a phone, and the words that they make.

    The last token stands for every other phone, and for a word that has no pronunciation.

    Parameters
    ----------
    phones : tuple of str
        Their names, sorted; silence is none of them.
    dictionary : tuple of (str, str)
        Words and their pronunciations, phones divided by spaces; of a word that has several the usual one first.
    aligned_by : str
        The name of the alignments by which frames are labelled; empty where tokens are phones of transcripts.
    """

    kind: ClassVar[str] = "phones"
    unit: ClassVar[str] = "words"
    phones: tuple[str, ...]
    dictionary: tuple[tuple[str, str], ...]
    aligned_by: str = ""

    @property
    def size(self) -> int:
        return len(self.phones) + 2

    @cached_property
    def _number(self) -> dict[str, int]:
        return {phone: number for number, phone in enumerate(self.phones, start=1)}

    @cached_property
    def pronunciations(self) -> Mapping[str, tuple[tuple[int, ...], ...]]:
        """How each word is said, in token numbers."""
        found: dict[str, list[tuple[int, ...]]] = {}
        for word, said in self.dictionary:
            found.setdefault(word, []).append(tuple(self.numbered(said.split())))
        return {word: tuple(ways) for word, ways in found.items()}

    def numbered(self, names: Sequence[str]) -> list[int]:
        """Return the token numbers of phones; an empty name is silence."""
        return [self._number.get(name, self.size - 1) if name else 0 for name in names]

    def encode(self, text: str) -> list[int]:
        """Return the phones of a text, each word as it is usually said."""
        unknown = ((self.size - 1,),)
        return [phone for word in text.split() for phone in self.pronunciations.get(word, unknown)[0]]

    def decode(self, numbers: Iterable[int]) -> str:
        """Return the words of which the phones can be made in one way only; else the phones, divided by spaces."""
        said = tuple(number for number in numbers if 0 < number < self.size - 1)
        words = self._only_words(said)
        return " ".join(words if words is not None else (self.phones[number - 1] for number in said))

    def _only_words(self, said: tuple[int, ...]) -> list[str] | None:
        """Return the one sequence of words that phones can be; None where there is none, or another."""
        ways: list[list[tuple[str, int]]] = [[] for _ in said]  # the last word, and where it begins, of each ending
        count = [1] + [0] * len(said)
        for stop in range(1, len(said) + 1):
            for length in self._lengths:
                start = stop - length
                if start >= 0 and count[start]:
                    words = self._words_said.get(said[start:stop], ())
                    ways[stop - 1] += [(word, start) for word in words]
                    count[stop] = min(2, count[stop] + count[start] * len(words))
        if count[-1] != 1:
            return None
        found, stop = [], len(said)
        while stop:
            word, stop = ways[stop - 1][0]
            found.append(word)
        return found[::-1]

    @cached_property
    def _words_said(self) -> dict[tuple[int, ...], tuple[str, ...]]:
        found: dict[tuple[int, ...], dict[str, None]] = {}
        for word, ways in self.pronunciations.items():
            for way in ways:
                found.setdefault(way, {})[word] = None
        return {way: tuple(words) for way, words in found.items()}

    @cached_property
    def _lengths(self) -> list[int]:
        return sorted({len(way) for way in self._words_said})

    def can_write(self, unit: str) -> bool:
        """Say whether a word has a pronunciation."""
        return unit in self.pronunciations

    def to_json(self) -> dict[str, Any]:
        dictionary = [list(entry) for entry in self.dictionary]
        return {
            "kind": self.kind, "phones": list(self.phones), "dictionary": dictionary, "aligned_by": self.aligned_by
        }  # fmt: skip


def learn_phones(said: Iterable[tuple[str, Pronunciation]], aligned_by: str = "") -> PhoneTokens:
    """Return the phones of words as they were said, and how each word is said.

    Parameters
    ----------
    said : iterable of (str, tuple of str)
        A word and its phones, as often as it was said so.
    aligned_by : str
        As in `PhoneTokens`.
    """
    counts = Counter(said)
    ranked: dict[str, list[str]] = {}
    for word, phones in sorted(counts, key=lambda entry: (entry[0], -counts[entry], entry[1])):
        ranked.setdefault(word, []).append(" ".join(phones))
    dictionary = tuple((word, way) for word, ways in ranked.items() for way in ways[:MOST_PRONUNCIATIONS])
    return PhoneTokens(tuple(sorted({phone for _, phones in counts for phone in phones})), dictionary, aligned_by)
