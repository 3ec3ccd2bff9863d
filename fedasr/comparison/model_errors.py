"""ModelErrors: what one trained model gets wrong, by speaker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Counted(Protocol):
    """Errors and words, of one speaker."""

    @property
    def errors(self) -> int: ...

    @property
    def words(self) -> int: ...


@dataclass(frozen=True)
class ModelErrors:
    """What one training of a row does on its test speakers.

    Parameters
    ----------
    draw, seed : int
        Which draw of the speakers, and which seed trained; two rows are paired where both are equal.
    errors : tuple of (str, int, int)
        Of each speaker: a name that means the same person in every draw, errors, words.
    training_speakers : int, optional
        How many speakers a model of the draw is trained on; needed where draws share some of their test speakers.
    """

    draw: int
    seed: int
    errors: tuple[tuple[str, int, int], ...]
    training_speakers: int | None = None

    @property
    def key(self) -> tuple[int, int]:
        """Draw and seed."""
        return self.draw, self.seed


@dataclass(frozen=True)
class Training:
    """One training, or all of one draw: what counts once where trainings are told apart.

    Attributes
    ----------
    speakers : tuple of str
        In the order of their names.
    errors, words : ndarray
        float64, shape (speakers,).
    training_speakers : int, optional
    """

    speakers: tuple[str, ...]
    errors: NDArray[np.float64]
    words: NDArray[np.float64]
    training_speakers: int | None = None

    def only(self, keep: NDArray[np.bool_]) -> Training:
        """Return it with some of its speakers; `keep` has the shape (speakers,)."""
        speakers = tuple(name for name, kept in zip(self.speakers, keep, strict=True) if kept)
        return replace(self, speakers=speakers, errors=self.errors[keep], words=self.words[keep])


def are_seeds_alike(tested: Iterable[ModelErrors]) -> bool:
    """Return whether the seeds of each draw were tested on the same speakers."""
    speakers: dict[int, set[frozenset[str]]] = {}
    for one in tested:
        speakers.setdefault(one.draw, set()).add(frozenset(name for name, _, _ in one.errors))
    return all(len(found) == 1 for found in speakers.values())


def trainings(tested: Sequence[ModelErrors]) -> list[Training]:
    """Return what counts as one training each: the draws where there are several, else the seeds.

    Seeds of one draw share its speakers, silos and public speech; where draws are compared, their errors are added up.

    Raises
    ------
    ValueError
        Where the seeds of one draw were tested on different speakers.
    """
    if not are_seeds_alike(tested):
        raise ValueError("the seeds of one draw were tested on different speakers")
    draws = {one.draw for one in tested}
    parts: dict[int, list[ModelErrors]] = {}
    for one in tested:
        parts.setdefault(one.draw if len(draws) > 1 else one.seed, []).append(one)
    return [_together(part) for _, part in sorted(parts.items())]


def _together(part: Sequence[ModelErrors]) -> Training:
    sums = _sums(entry for one in part for entry in one.errors)
    errors, words = (np.array([sums[name][place] for name in sorted(sums)], np.float64) for place in (0, 1))
    return Training(tuple(sorted(sums)), errors, words, part[0].training_speakers)


def without_silent(*rows: Sequence[Training]) -> list[list[Training]]:
    """Return rows that were tested on the same speakers without those who said nothing: they tell nothing."""
    heard = [
        np.any([part.errors + part.words > 0 for part in same], axis=0) for same in zip(*rows, strict=True)
    ]  # fmt: skip
    return [[part.only(keep) for part, keep in zip(row, heard, strict=True)] for row in rows]


def paired(*rows: Sequence[ModelErrors]) -> tuple[list[ModelErrors], list[list[Training]]] | None:
    """Return what the first row was tested by, and all rows' trainings, of those that all have; None if not alike."""
    shared = set.intersection(*({one.key for one in row} for row in rows))
    kept = [[one for one in row if one.key in shared] for row in rows]
    if not shared or not all(map(are_seeds_alike, kept)):
        return None
    parts = [trainings(row) for row in kept]
    if any([part.speakers for part in row] != [part.speakers for part in parts[0]] for row in parts):
        return None
    return kept[0], without_silent(*parts)


def pooled_rate(parts: Sequence[Training]) -> float:
    """Return all errors by all words; 0 where no word was said."""
    errors, words = sum(float(part.errors.sum()) for part in parts), sum(float(part.words.sum()) for part in parts)
    return errors / words if words else 0.0


def _sums(entries: Iterable[tuple[str, int, int]]) -> dict[str, tuple[int, int]]:
    sums: dict[str, tuple[int, int]] = {}
    for name, errors, words in entries:
        before = sums.get(name, (0, 0))
        sums[name] = before[0] + errors, before[1] + words
    return sums
