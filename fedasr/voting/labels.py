"""What teachers vote on: the next label of a shared prefix, a whole hypothesis, or each frame.

Each function asks in fixed chunks of public utterances, in a public order, stores every noisy answer as a
release before it is used, and stops where the budget does not reach: an utterance whose next vote cannot be
paid has no transcript.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import RowError
from fedasr.common.files import load_arrays, save_arrays
from fedasr.messages.votes import CANDIDATE, FRAME, LABEL, POSTERIOR, Question, padded
from fedasr.privacy.accounting.budget import Budget, BudgetExhaustedError
from fedasr.privacy.mechanisms.confident_max import ABSTAINED, ConfidentGNMax
from fedasr.privacy.mechanisms.gaussian import NoisyMean
from fedasr.privacy.mechanisms.mechanism import Mechanism
from fedasr.privacy.mechanisms.noisy_max import NoisyMax
from fedasr.privacy.noise import Noise
from fedasr.protection.releases import Arrays, Charge, Releases

Ask = Callable[[str, Question], list[NDArray[Any] | None]]
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
        counts: Counter[Mechanism] = Counter()
        for release in self.releases.ledger.releases:
            counts[release.mechanism] += release.count
        self.budget.spent = math.fsum(count * self.budget.cost(kind) for kind, count in counts.items())
        return self.budget.affordable(self.mechanism)

    def reach(self, key: str, most: int) -> int:
        """Return how many of so many questions are answered: those of the stored release, or what the budget pays."""
        stored = self.releases.stored(key)
        return min(most, self.affordable()) if stored is None else len(next(iter(stored.values())))

    def answers(self, key: str, kind: str, question: Question, classes: int) -> NDArray[np.int64]:
        """Return the noisy answer of each utterance asked about, `ABSTAINED` where there is none."""
        return self.noisy(key, kind, question, classes, len(question.utterances))

    def noisy(self, key: str, kind: str, question: Question, classes: int, asked: int) -> NDArray[np.int64]:
        """Return the stored answers of a key, or take so many votes, add noise to them, and charge them."""
        mechanism, seen = self.mechanism, self.releases.seen(f"{key}.safetensors")
        self._check_paid(key, asked)

        def draw(noise: Noise) -> Arrays:
            votes = histogram(self.ask(kind, question), self.weights, asked, classes)
            save_arrays(seen, {"votes": votes}, {})
            assert isinstance(mechanism, (NoisyMax, ConfidentGNMax))
            return {"answers": mechanism.answer(votes, noise)}

        found = self.releases.make(key, lambda made: charges(mechanism, made["answers"]), draw)["answers"]
        if seen.exists():
            self.histograms.append(load_arrays(seen)[0]["votes"])
        self._count(found)
        return found

    def _check_paid(self, key: str, count: int) -> None:
        """Refuse to take votes that the budget does not pay, whoever asks for them."""
        if not self.releases.has(key) and self.affordable() < count:
            raise BudgetExhaustedError(f"{key}: {count} votes are more than the budget pays")

    def means(self, key: str, question: Question, classes: int) -> NDArray[np.int64]:
        """Return the class of the largest noisy mean posterior of each utterance."""
        mechanism = self.mechanism
        assert isinstance(mechanism, NoisyMean)
        charge = Charge(mechanism, len(question.utterances))
        at_teachers = question.sigma > 0
        self._check_paid(key, charge.count)

        def draw(noise: Noise) -> Arrays:
            posteriors = self._posteriors(question, classes)
            clean = posteriors.sum(0) / mechanism.teachers
            shift = 0.0 if at_teachers else noise.normal(clean.shape, mechanism.sigma)
            return {"means": clean + shift}

        if at_teachers and not self.releases.has(key):
            self.releases.announce(key, charge)
        made = self.releases.make(key, lambda _: [] if at_teachers else [charge], draw)["means"]
        answers: NDArray[np.int64] = made.argmax(1)
        self._count(answers)
        return answers

    def _posteriors(self, question: Question, classes: int) -> NDArray[np.float64]:
        """Return what teachers sent; unless noise was added there, each vector is made one of probabilities."""
        shape = (len(question.utterances), classes)
        answers = [answer for answer in self.ask(POSTERIOR, question) if answer is not None and answer.shape == shape]
        if question.sigma and len(answers) < self.noisy_teachers:
            raise RowError(f"{len(answers)} of {self.noisy_teachers} teachers added their noise: less than is charged")
        stacked = np.array(answers, np.float64).reshape(-1, *shape)
        if question.sigma:
            return stacked
        stacked = np.clip(np.nan_to_num(stacked, nan=0.0, posinf=0.0, neginf=0.0), 0.0, 1.0)
        return np.asarray(stacked / np.maximum(stacked.sum(2, keepdims=True), 1.0))

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


def vote_on_labels(
    ballot: Ballot, chunks: Sequence[Sequence[int]], tokens: int, maximum_labels: int, sigma_at_teacher: float = 0.0
) -> Transcripts:
    """Return transcripts voted label by label: U + 1 votes for an utterance of U labels.

    Parameters
    ----------
    ballot : Ballot
    chunks : sequence of sequence of int
        Public utterances that are asked about together.
    tokens : int
        Tokens of the recogniser, the blank among them: the classes are the labels and the end.
    maximum_labels : int
        An utterance ends there unasked: noise may never choose the end.
    sigma_at_teacher : float
        Noise that each teacher adds to its posterior itself.
    """
    transcripts: Transcripts = {}
    for number, chunk in enumerate(chunks):
        prefixes: Transcripts = {place: [] for place in chunk}
        active = list(chunk)
        for step in range(maximum_labels):
            said = padded([prefixes[place] for place in active])
            question = Question(
                np.array(active, np.int32), said, sigma=sigma_at_teacher, among=np.array(chunk, np.int32)
            )
            key = f"votes.{number}.{step}.{question.digest()}"
            active = active[: ballot.reach(key, len(active))]
            if not active:
                break
            question = question.first(len(active))
            by_mean = isinstance(ballot.mechanism, NoisyMean)
            chosen = ballot.means(key, question, tokens) if by_mean else ballot.answers(key, LABEL, question, tokens)
            active = _extend(prefixes, transcripts, active, chosen.tolist(), tokens)
        transcripts |= {place: prefixes[place] for place in active if len(prefixes[place]) == maximum_labels}
    return transcripts


def _extend(
    prefixes: Transcripts, transcripts: Transcripts, active: list[int], chosen: list[int], tokens: int
) -> list[int]:
    """Append a label to each prefix and return the utterances that go on; an abstention drops its utterance."""
    going_on = []
    for place, label in zip(active, chosen, strict=True):
        if label == tokens - 1:
            transcripts[place] = prefixes[place]
        elif label != ABSTAINED:
            prefixes[place].append(label + 1)
            going_on.append(place)
    return going_on


def vote_on_candidates(
    ballot: Ballot, chunks: Sequence[Sequence[int]], candidates: dict[int, list[list[int]]]
) -> Transcripts:
    """Return transcripts voted as wholes: one vote for an utterance, among candidates that are public."""
    transcripts: Transcripts = {}
    classes = max(map(len, candidates.values()), default=0)
    for number, chunk in enumerate(chunks):
        asked = [place for place in chunk if candidates[place]]
        rows = [(row, labels) for row, place in enumerate(asked) for labels in candidates[place]]
        question = Question(
            np.array(asked, np.int32), padded([labels for _, labels in rows]),
            np.array([row for row, _ in rows], np.int32),
        )  # fmt: skip
        key = f"votes.{number}.0.{question.digest()}"
        asked = asked[: ballot.reach(key, len(asked))]
        if not asked:
            continue
        chosen = ballot.answers(key, CANDIDATE, question.first(len(asked)), classes).tolist()
        transcripts |= {
            place: candidates[place][answer]
            for place, answer in zip(asked, chosen, strict=True)
            if 0 <= answer < len(candidates[place])
        }
    return transcripts


def vote_on_frames(ballot: Ballot, chunks: Sequence[Sequence[int]], frames: Sequence[int], tokens: int) -> Transcripts:
    """Return transcripts of the noisy best label of each frame, repeats joined and blanks left out (CTC)."""
    transcripts: Transcripts = {}
    for number, chunk in enumerate(chunks):
        question = Question(np.array(chunk, np.int32))
        key = f"votes.{number}.0.{question.digest()}"
        ends = np.cumsum([frames[place] for place in chunk])
        asked = chunk[: int((ends <= ballot.reach(key, int(ends[-1]))).sum())]
        if not asked:
            continue
        best = ballot.noisy(key, FRAME, question.first(len(asked)), tokens, int(ends[len(asked) - 1]))
        cuts = np.cumsum([frames[place] for place in asked])[:-1]
        transcripts |= {p: collapsed(row.tolist()) for p, row in zip(asked, np.split(best, cuts), strict=True)}
    return transcripts


def collapsed(frames: Sequence[int]) -> list[int]:
    """Return the labels of a path of frames: repeats are one, blanks and abstentions none."""
    return [label for label, before in zip(frames, [0, *frames[:-1]], strict=True) if label > 0 and label != before]
