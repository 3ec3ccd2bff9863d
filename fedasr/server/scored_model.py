"""The weights that a row is scored by: one rule for all rows of an experiment.

``"mean"``: the float64 mean of the model over the last ⌈rounds/3⌉ rounds; ``"last"``: the model of the last round;
``"best"``: that of the evaluated round with the lowest WER on development speakers. What is averaged and chosen from
are the models that `fedasr.server.central.Central.after_round` is given, so of a strategy with momentum W(t) and never
the look-ahead that it sends.

Privacy. Under a guarantee each of those models is made of releases: means and choices among them are post-processing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.recogniser import Weights, digest, in_types_of
from fedasr.common.errors import RowError
from fedasr.messages.finite import not_finite
from fedasr.training.iterates import BEST, LAST, MEAN, IterateMean, counts

State = Mapping[str, NDArray[Any]]
BEST_ROUND, BEST_WEIGHTS, OF_MEAN = "best", "weights/", "iterates/"
"""The names of what a `ScoredModel` keeps in a checkpoint."""
ONLY_LAST = "scored by its last model: its own loop returns no other"


@dataclass(frozen=True)
class Best:
    """The best round so far: its errors on development speakers, and its model."""

    wer: float = math.inf
    loss: float = math.inf
    round: int = 0
    weights: Weights = field(default_factory=dict)


@dataclass
class ScoredModel:
    """Follows a row's rounds, and says in the end by which weights it is scored.

    Parameters
    ----------
    rule : str
        ``"mean"``, ``"last"`` or ``"best"``.
    start : mapping of str to ndarray
        What the row begins from: its types are those of what is scored.

    Attributes
    ----------
    note : str or None
        What is to be said of this row alone.
    """

    rule: str = MEAN
    start: Weights = field(default_factory=dict)
    note: str | None = None
    _mean: IterateMean = field(default_factory=IterateMean)
    _best: Best = field(default_factory=Best)
    _steps_count: bool = False
    _reported: tuple[int, int] | None = None
    _end: str | None = None
    _is_cut: bool = False

    @property
    def followed(self) -> str:
        """The rule that is followed: of a loop that shows no other model, the last is scored."""
        return LAST if self.note == ONLY_LAST else self.rule

    def by_steps(self) -> IterateMean | None:
        """Return what a training adds each step to that counts, in place of its rounds; None where none is asked for.

        The training saves and restores it with its own state.
        """
        self._steps_count = self.rule == MEAN
        return self._mean if self._steps_count else None

    def only_last(self) -> None:
        """Note that no model of this row but the last will be seen."""
        if self.rule != LAST:
            self.note = ONLY_LAST

    def needs(self, round: int, rounds: int) -> bool:
        """Return whether a round's model must be told."""
        return self.rule != LAST and rounds > 0 and (round == rounds or self._is_averaged(round, rounds))

    def follow(
        self, round: int, rounds: int, weights: Weights | None, wer: float | None = None, loss: float | None = None
    ) -> None:
        """Take note of a round that has ended.

        Parameters
        ----------
        round, rounds : int
            Counted from 1 over those in which the model moves; those before are told as 0 and less.
        weights : mapping of str to ndarray or None
            Its model, where it is known.
        wer, loss : float or None
            On the development speakers, where they were scored.
        """
        self._reported = (round, rounds)
        if weights is None or self.rule == LAST:
            return
        if self._is_averaged(round, rounds):
            if not counts(round - 1, rounds):  # what a shorter training had begun to average counts no more
                self._mean = IterateMean()
            self._mean.add({name: self._counted(name, array) for name, array in weights.items()})
        if self.rule == BEST and round > 0 and wer is not None:
            found = Best(wer, math.inf if loss is None else loss, round)
            if (found.wer, found.loss) < (self._best.wer, self._best.loss):
                copies = {name: np.array(array) for name, array in weights.items()}
                self._best = replace(found, weights=copies)
        if round == rounds > 0:
            self._end = digest(in_types_of(self.start, weights))

    def weights(self, last: Weights) -> Weights:
        """Return the scored weights, given those that the row ended with, in the types of the start.

        Raises
        ------
        RowError
            Where a mean has values that are not finite, or lacks rounds that an earlier version ran.
        """
        last = in_types_of(self.start, last)
        if self.rule == LAST or self.note == ONLY_LAST or self._has_no_rounds:
            return last
        self._check_whole()
        found = self._mean.weights() if self.rule == MEAN else self._best.weights
        if not found or digest(last) != self._end:  # it told of no rounds, or its result is no round's model
            self.only_last()
            return last
        if self.rule == BEST:
            self.note = f"scored by round {self._best.round}, the best on development speakers"
        if bad := not_finite(found):
            raise RowError(f"the mean of its last rounds holds values that are not finite in '{bad}'")
        return in_types_of(last, found)

    def _counted(self, name: str, array: NDArray[Any]) -> NDArray[Any]:
        """Return an array as it counts: in whole numbers where the start does, whatever a strategy makes of them."""
        is_whole = name in self.start and self.start[name].dtype.kind != "f"
        return np.asarray(array, self.start[name].dtype) if is_whole else array

    def _check_whole(self) -> None:
        """Refuse to score a row of which an earlier version ran rounds that count."""
        rounds = self._reported[1] if self._reported else 0
        lacks = self.rule == BEST or self._mean.count < sum(counts(round, rounds) for round in range(1, rounds + 1))
        if self._is_cut and not self._steps_count and lacks:
            raise RowError("its checkpoint is of an earlier version, which kept no mean of rounds; start the run anew")

    @property
    def _has_no_rounds(self) -> bool:
        return self._reported is not None and self._reported[1] <= 0

    def _is_averaged(self, round: int, rounds: int) -> bool:
        return self.rule == MEAN and not self._steps_count and round > 0 and counts(round, rounds)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what `restore` takes, as arrays by name."""
        if self.rule == BEST:
            best = self._best
            weights = {BEST_WEIGHTS + name: array for name, array in best.weights.items()}
            return {BEST_ROUND: np.array([best.wer, best.loss, best.round], np.float64), **weights}
        if self.rule == LAST or self._steps_count:
            return {}
        return {OF_MEAN + name: array for name, array in self._mean.state().items()}

    def restore(self, arrays: State) -> None:
        """Continue from what `state` returned."""
        self._is_cut = self.rule != LAST and not arrays
        if self.rule == BEST and BEST_ROUND in arrays:
            wer, loss, round = arrays[BEST_ROUND].tolist()
            weights = {n.removeprefix(BEST_WEIGHTS): a for n, a in arrays.items() if n.startswith(BEST_WEIGHTS)}
            self._best = Best(wer, loss, int(round), weights)
        elif self.rule == MEAN and arrays:
            self._mean.restore({n.removeprefix(OF_MEAN): a for n, a in arrays.items()})
