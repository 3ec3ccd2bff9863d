"""Word and character errors of utterances and of speakers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jiwer


@dataclass(frozen=True)
class ErrorCounts:
    """Errors of some utterances against their references.

    Attributes
    ----------
    insertions, deletions, substitutions, words : int
        Word errors, and the words of the references.
    character_errors, characters : int
    """

    insertions: int = 0
    deletions: int = 0
    substitutions: int = 0
    words: int = 0
    character_errors: int = 0
    characters: int = 0

    @property
    def errors(self) -> int:
        """All word errors."""
        return self.insertions + self.deletions + self.substitutions

    @property
    def wer(self) -> float:
        """The word error rate, a fraction; it may exceed 1."""
        return self.errors / max(self.words, 1)

    @property
    def cer(self) -> float:
        """The character error rate, a fraction."""
        return self.character_errors / max(self.characters, 1)

    def __add__(self, other: ErrorCounts) -> ErrorCounts:
        return ErrorCounts(*(getattr(self, f) + getattr(other, f) for f in self.__dataclass_fields__))


def count_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """Return the errors of one hypothesis."""
    if not reference.split():
        words = len(hypothesis.split())
        return ErrorCounts(insertions=words, character_errors=len(hypothesis))
    word = jiwer.process_words(reference, hypothesis)
    character = jiwer.process_characters(reference, hypothesis)
    return ErrorCounts(
        word.insertions, word.deletions, word.substitutions,
        word.hits + word.deletions + word.substitutions,
        character.insertions + character.deletions + character.substitutions,
        character.hits + character.deletions + character.substitutions,
    )  # fmt: skip


def total(counts: Sequence[ErrorCounts]) -> ErrorCounts:
    """Return the sum of error counts."""
    return sum(counts, ErrorCounts())


def by_speaker(speakers: Sequence[str], counts: Sequence[ErrorCounts]) -> dict[str, ErrorCounts]:
    """Return the error counts of each speaker, speakers in order of their names."""
    sums: dict[str, ErrorCounts] = {}
    for speaker, count in zip(speakers, counts, strict=True):
        sums[speaker] = sums.get(speaker, ErrorCounts()) + count
    return dict(sorted(sums.items()))
