"""Least numbers of edits between two sequences, and how many of them may be substitutions."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields

import numpy as np

BIG = 1 << 20
"""What one edit weighs where its kind weighs one: no utterance has as many edits."""


@dataclass(frozen=True)
class Edits:
    """Edits of some utterances, and within what their split lies: an alignment of least edits is seldom the only one.

    Attributes
    ----------
    errors : int
        Insertions, deletions and substitutions together.
    surplus : int
        Insertions less deletions.
    least_substitutions, most_substitutions : int
        Of any alignment with the least edits.
    length : int
        Of the references.
    """

    errors: int = 0
    surplus: int = 0
    least_substitutions: int = 0
    most_substitutions: int = 0
    length: int = 0

    def __add__(self, other: Edits) -> Edits:
        return Edits(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


NO_EDITS = Edits()


def edits(said: Sequence[Hashable], heard: Sequence[Hashable]) -> Edits:
    """Return the edits that turn what was said into what was heard."""
    few, many = (_least_cost(said, heard, BIG + bias) for bias in (1, -1))
    errors = (few + BIG // 2) // BIG
    return Edits(errors, len(heard) - len(said), few - errors * BIG, errors * BIG - many, len(said))


def _least_cost(said: Sequence[Hashable], heard: Sequence[Hashable], substitution: int) -> int:
    """Return the least cost where an insertion or a deletion costs `BIG`: one row of Wagner and Fischer at a time."""
    numbers: dict[Hashable, int] = {}
    rows, columns = (
        np.array([numbers.setdefault(symbol, len(numbers)) for symbol in side], np.int64) for side in (said, heard)
    )
    ramp = BIG * np.arange(len(columns) + 1)
    costs = ramp
    for symbol in rows:
        kept = costs[:-1] + np.where(columns == symbol, 0, substitution)
        below = np.concatenate(([costs[0] + BIG], np.minimum(kept, costs[1:] + BIG)))
        costs = np.minimum.accumulate(below - ramp) + ramp  # insertions: each column from any before it
    return int(costs[-1])
