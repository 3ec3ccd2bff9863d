"""Tokens that are words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from fedasr.asr.tokens.base import Tokens


@dataclass(frozen=True)
class WordTokens(Tokens):
    """One token a word; the last token stands for every word that the public text does not have."""

    kind: ClassVar[str] = "words"
    unit: ClassVar[str] = "words"
    words: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.words) + 2

    @cached_property
    def _number(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words, start=1)}

    def encode(self, text: str) -> list[int]:
        return [self._number.get(word, self.size - 1) for word in text.split()]

    def decode(self, numbers: Iterable[int]) -> str:
        return " ".join(self.words[n - 1] for n in numbers if 0 < n < self.size - 1)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "words": list(self.words)}


def learn_words(texts: Iterable[str]) -> WordTokens:
    """Return every word of the texts, the most frequent first."""
    counts = Counter(word for text in texts for word in text.split())
    return WordTokens(tuple(sorted(counts, key=lambda word: (-counts[word], word))))
