"""Votes without training: teachers who know what they would say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fedasr.common.randomness import Streams
from fedasr.messages.kinds import CANDIDATE, FRAME, POSTERIOR, Kind
from fedasr.messages.votes import Question
from fedasr.privacy.accounting.budget import budget_for
from fedasr.privacy.accounting.promise import Promise
from fedasr.privacy.mechanisms.allowances import GaussianBudget
from fedasr.privacy.mechanisms.mechanism import Mechanism
from fedasr.protection.releases import Releases
from fedasr.runs.release_folder import ReleaseFolder
from fedasr.voting.ballot import Ballot

TOKENS = 6
"""The blank, four labels and one more: the classes of a label vote are five labels and the end."""
DELTA = 1e-5
ANY_VOTES = GaussianBudget(1e6)
Transcripts = dict[int, list[int]]


class Teacher:
    """Votes as somebody would who hears these transcripts."""

    def __init__(self, transcripts: Transcripts) -> None:
        self.transcripts = transcripts

    def __call__(self, kind: Kind, question: Question) -> np.ndarray:
        heard = [self.transcripts[place] for place in question.utterances.tolist()]
        if kind == CANDIDATE:
            rows = [[label for label in row if label] for row in question.labels.tolist()]
            owners = question.owners.tolist()
            lists = [[r for r, owner in zip(rows, owners, strict=True) if owner == n] for n in range(len(heard))]
            return np.array([said.index(t) if t in said else 0 for said, t in zip(lists, heard, strict=True)], np.int16)
        if kind == FRAME:
            return np.concatenate([np.array(frames_of(t), np.int16) for t in heard])
        place = question.labels.shape[1]
        classes = np.array([t[place] - 1 if place < len(t) else TOKENS - 1 for t in heard], np.int16)
        if kind == POSTERIOR:
            return np.eye(TOKENS, dtype=np.int32 if question.sigma else np.float32)[classes]
        return classes


def frames_of(transcript: Sequence[int]) -> list[int]:
    """Return a path of frames that says a transcript: each label twice, then a blank."""
    return [frame for label in transcript for frame in (label, label, 0)] or [0]


class Electorate:
    """Asks all teachers, and remembers what was asked."""

    def __init__(self, teachers: Sequence[Callable[[str, Question], Any]]) -> None:
        self.teachers = teachers
        self.asked: list[Question] = []

    def __call__(self, kind: Kind, question: Question) -> list[Any]:
        self.asked.append(question)
        return [teacher(kind, question) for teacher in self.teachers]


def nobody(kind: Kind, question: Question) -> list[Any]:
    """Fail: what was released already is not asked for again."""
    raise AssertionError("asked again")


def releases_in(
    folder: Path, adjacency: Any = "replace-one", reproducible: bool = False, planned: Mechanism = ANY_VOTES
) -> Releases:
    found = Releases(ReleaseFolder(folder), Streams(1), reproducible)
    found.promise(Promise("silo", adjacency, DELTA, ((planned, 1),)))
    return found


def ballot(
    folder: Path, mechanism: Mechanism, ask: Any, epsilon: float = 1e12, teachers: int = 1, **others: Any
) -> Ballot:
    adjacency = others.pop("adjacency", "replace-one")
    budget = budget_for(mechanism, epsilon, DELTA, adjacency)
    releases = releases_in(folder, adjacency, planned=budget.allowance)
    return Ballot(mechanism, budget, releases, ask, np.ones(teachers), **others)


def counted(votes: Ballot) -> int:
    """Return how many releases the ledger holds."""
    return sum(release.count for release in votes.releases.ledger.releases)
