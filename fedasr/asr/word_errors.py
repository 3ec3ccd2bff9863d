"""Word and character errors, and their interval by bootstrap over speakers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jiwer
import numpy as np


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


def wer_interval(
    per_speaker: Sequence[ErrorCounts], seed: np.random.SeedSequence, resamples: int = 2000
) -> tuple[float, float] | None:
    """Return the 95% interval of the WER, bootstrapped over speakers; None where there are fewer than two.

    Utterances of one speaker share their difficulty, so speakers, not utterances, are drawn again.
    """
    if len(per_speaker) < 2:
        return None
    errors = np.array([count.errors for count in per_speaker], np.float64)
    words = np.array([count.words for count in per_speaker], np.float64)
    drawn = np.random.default_rng(seed).integers(0, len(errors), (resamples, len(errors)))
    rates = errors[drawn].sum(1) / np.maximum(words[drawn].sum(1), 1)
    low, high = np.quantile(rates, [0.025, 0.975])
    return float(low), float(high)


def paired_ratio_interval(
    ones: Sequence[Sequence[ErrorCounts]], others: Sequence[Sequence[ErrorCounts]], seed: np.random.SeedSequence,
    resamples: int = 2000,
) -> tuple[float, float, float]:  # fmt: skip
    """Return the ratio of two WERs and its 95% interval, by paired bootstrap over speakers.

    Parameters
    ----------
    ones, others : sequence of sequence of ErrorCounts
        For each speaker the counts of one row and of another, one for each training seed. Speakers are
        drawn again, with all that was counted on them; seeds are not, so the interval says how the ratio
        depends on who was tested.

    Raises
    ------
    ValueError
        Where the two do not list the same number of speakers, or fewer than two.
    """
    if len(ones) != len(others):
        raise ValueError(f"{len(ones)} speakers cannot be paired with {len(others)}")
    if len(ones) < 2:
        raise ValueError("an interval over speakers needs at least two of them")
    errors = np.array([[total(a).errors, total(b).errors] for a, b in zip(ones, others, strict=True)], np.float64)
    drawn = np.random.default_rng(seed).integers(0, len(errors), (resamples, len(errors)))
    sums = errors[drawn].sum(1)
    ratios = sums[:, 0] / np.maximum(sums[:, 1], 1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    one, other = errors.sum(0)
    return float(one / max(other, 1)), float(low), float(high)
