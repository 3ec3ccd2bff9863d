"""The ballot: mechanism, budget and releases of one vote, and the noisy answers it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import RowError
from fedasr.common.files import Arrays
from fedasr.messages.kinds import POSTERIOR, Kind
from fedasr.messages.votes import Question
from fedasr.privacy.accounting.budget import Budget, BudgetExhaustedError
from fedasr.privacy.mechanisms.confident_max import ABSTAINED, ConfidentGNMax
from fedasr.privacy.mechanisms.gaussian import NoisyMean
from fedasr.privacy.mechanisms.mechanism import Mechanism
from fedasr.privacy.mechanisms.noisy_max import NoisyMax
from fedasr.privacy.noise import Noise
from fedasr.protection.releases import Charge, Releases
from fedasr.voting.posteriors import mean_of_steps, noisy_mean

Ask = Callable[[Kind, Question], list[NDArray[Any] | None]]
"""Sends a question of a kind to all teachers and returns the answers in the order of the silos, None for a failure."""


Transcripts = dict[int, list[int]]
"""Token numbers by the place of an utterance in the public unlabelled speech."""


@dataclass
class Ballot:
    """What one row votes with.

    Attributes
    ----------
    mechanism : Mechanism
    budget : Budget
    releases : Releases
    ask : callable
    weights : ndarray of float64
        What each silo's vote counts; public numbers, at most the mechanism's largest weight.
    noisy_teachers : int
        How many teachers must answer where they add the noise themselves: fewer would add less than is charged.
    histograms : list of ndarray
        The votes as they were cast: the simulator's view, which no guarantee covers.
    abstained, asked : int
    """

    mechanism: Mechanism
    budget: Budget
    releases: Releases
    ask: Ask
    weights: NDArray[np.float64]
    noisy_teachers: int = 0
    histograms: list[NDArray[np.float64]] = field(default_factory=list)
    abstained: int = 0
    asked: int = 0

    def affordable(self) -> int:
        """Return how many more answers the budget pays, all that the ledger holds taken off."""
        return self.budget.affordable(self.mechanism, self.releases.charged())

    def reach(self, key: str, most: int) -> int:
        """Return how many of so many questions are answered: those of the stored release, or what the budget pays."""
        stored = self.releases.stored(key)
        return min(most, self.affordable()) if stored is None else len(next(iter(stored.values())))

    def answers(self, key: str, kind: Kind, question: Question, classes: int) -> NDArray[np.int64]:
        """Return the noisy answer of each utterance asked about, `ABSTAINED` where there is none."""
        return self.noisy(key, kind, question, classes, len(question.utterances))

    def noisy(self, key: str, kind: Kind, question: Question, classes: int, asked: int) -> NDArray[np.int64]:
        """Return the stored answers of a key, or take so many votes, add noise to them, and charge them."""
        mechanism, store = self.mechanism, self.releases.store
        self._check_paid(key, asked)

        def draw(noise: Noise) -> Arrays:
            votes = histogram(self.ask(kind, question), self.weights, asked, classes)
            store.save_seen(key, {"votes": votes})
            assert isinstance(mechanism, (NoisyMax, ConfidentGNMax))
            return {"answers": mechanism.answer(votes, noise)}

        found = self.releases.make(key, lambda made: charges(mechanism, made["answers"]), draw)["answers"]
        if seen := store.seen(key):
            self.histograms.append(seen["votes"])
        self._count(found)
        return found

    def _check_paid(self, key: str, count: int) -> None:
        """Refuse to take votes that the budget does not pay, whoever asks for them."""
        if not self.releases.store.has(key) and self.affordable() < count:
            raise BudgetExhaustedError(f"{key}: {count} votes are more than the budget pays")

    def means(self, key: str, question: Question, classes: int) -> NDArray[np.int64]:
        """Return the class of the largest noisy mean posterior of each utterance."""
        mechanism, store = self.mechanism, self.releases.store
        assert isinstance(mechanism, NoisyMean)
        charge = Charge(mechanism, len(question.utterances))
        at_teachers = question.sigma > 0
        self._check_paid(key, charge.count)

        def draw(noise: Noise) -> Arrays:
            answers = self._posteriors(question, classes)
            if at_teachers:
                return {"means": mean_of_steps(answers, question.sigma, mechanism.teachers)}
            return {"means": noisy_mean(answers, mechanism.sigma, mechanism.teachers, noise)}

        if at_teachers and not store.has(key):
            self.releases.announce(key, charge)
        made = self.releases.make(key, lambda _: [] if at_teachers else [charge], draw)["means"]
        answers: NDArray[np.int64] = made.argmax(1)
        self._count(answers)
        return answers

    def _posteriors(self, question: Question, classes: int) -> NDArray[np.generic]:
        """Return what teachers sent, shape (teachers, utterances, classes)."""
        shape, types = (len(question.utterances), classes), "i" if question.sigma else "f"
        answers = [
            answer for answer in self.ask(POSTERIOR, question)
            if answer is not None and answer.shape == shape and answer.dtype.kind in types
        ]  # fmt: skip
        if question.sigma and len(answers) < self.noisy_teachers:
            raise RowError(f"{len(answers)} of {self.noisy_teachers} teachers added their noise: less than is charged")
        return np.array(answers, np.int64 if question.sigma else np.float64).reshape(-1, *shape)

    def _count(self, answers: NDArray[np.int64]) -> None:
        given = answers != ABSTAINED
        self.asked += len(answers)
        self.abstained += int((~given).sum())


def charges(mechanism: Mechanism, answers: NDArray[np.int64]) -> list[Charge]:
    """Return what answers cost: a Confident-GNMax pays every check, and an answer where it gave one."""
    if isinstance(mechanism, ConfidentGNMax):
        given = int((answers != ABSTAINED).sum())
        return [Charge(mechanism.check, len(answers)), Charge(mechanism.answerer, given)]
    return [Charge(mechanism, len(answers))]


def histogram(
    answers: Sequence[NDArray[Any] | None], weights: NDArray[np.float64], questions: int, classes: int
) -> NDArray[np.float64]:
    """Return the votes for each class, shape (questions, classes).

    A teacher has one vote a question: a list of answers of another shape counts nothing, nor does an answer that is
    no class.
    """
    votes = np.zeros((questions, classes))
    rows = np.arange(questions)
    for answer, weight in zip(answers, weights, strict=True):
        if answer is None or answer.shape != (questions,) or answer.dtype.kind not in "iu":
            continue
        chosen = answer.astype(np.int64)
        valid = (chosen >= 0) & (chosen < classes)
        votes[rows[valid], chosen[valid]] += weight
    return votes
