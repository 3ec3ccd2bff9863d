"""Choosing how sound and language are weighed: once, on development speech, for all models of an experiment."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from fedasr.asr.decoding.search import Balance, Text
from fedasr.asr.word_errors import count_errors, total

GRID = tuple(Balance(*point) for point in itertools.product((0.6, 0.3, 1.2, 2.0), (0.0, 1.5, 3.0)))
"""What is tried; of two that do equally well the earlier is taken."""
TRIED = 50
"""Texts of each utterance that are weighed again."""


def chosen(
    lists: Sequence[Sequence[Text]], references: Sequence[str], words: Sequence[str], grid: Sequence[Balance] = GRID
) -> Balance:
    """Return the balance of a grid by which the best of each utterance's texts make the fewest word errors.

    Parameters
    ----------
    lists : sequence of sequence of Text
        Texts that a search found for each utterance, with the parts of their scores: they are sorted anew, not
        searched anew.
    references : sequence of str
    words : sequence of str
        By their numbers.
    grid : sequence of Balance
    """
    return min(grid, key=lambda balance: _errors(lists, references, words, balance))


def _errors(
    lists: Sequence[Sequence[Text]], references: Sequence[str], words: Sequence[str], balance: Balance
) -> int:  # fmt: skip
    best = [min(texts, key=lambda text: text.rank(balance)) if texts else None for texts in lists]
    heard = [" ".join(words[word] for word in text.words) if text else "" for text in best]
    return total([count_errors(*pair) for pair in zip(references, heard, strict=True)]).errors
