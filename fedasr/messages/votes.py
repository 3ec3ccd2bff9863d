"""Messages of a vote: which public utterances a teacher is asked about, and what it answers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from flwr.app import ConfigRecord, RecordDict
from numpy.typing import NDArray

from fedasr.messages.records import array_record, arrays_of

QUESTION, ANSWER, NOISE = "question", "answer", "noise"
Integers = NDArray[np.int32]


@dataclass(frozen=True)
class Question:
    """What a teacher is asked about some public utterances.

    Attributes
    ----------
    utterances : ndarray of int32
        Places in the public unlabelled speech, which every silo has.
    labels : ndarray of int32
        Token numbers, row after row padded with zeros: the shared prefix of each utterance, with the end (the
        number of tokens) where it is finished; or, for ``query.candidate``, the candidates one below the other.
    owners : ndarray of int32
        For ``query.candidate`` the row of `utterances` that each candidate belongs to; empty otherwise.
    sigma : float
        Standard deviation of the noise that the teacher adds itself; 0 leaves the noise to the server.
    among : ndarray of int32
        The chunk that the utterances are of: a teacher encodes it once, and the same whatever is still asked; by
        default the utterances.
    """

    utterances: Integers
    labels: NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, 0), np.int32))
    owners: Integers = field(default_factory=lambda: np.zeros(0, np.int32))
    sigma: float = 0.0
    among: Integers = field(default_factory=lambda: np.zeros(0, np.int32))

    def first(self, count: int) -> Question:
        """Return the question about the first so many utterances."""
        of_row = self.owners if len(self.owners) else np.arange(len(self.labels))
        owners = self.owners[self.owners < count]
        return replace(self, utterances=self.utterances[:count], labels=self.labels[of_row < count], owners=owners)

    def digest(self) -> str:
        """Return a name of what is asked: an answer that was stored is the answer to this question only."""
        parts = [f"{part.shape}".encode() + part.tobytes() for part in (self.utterances, self.labels, self.owners)]
        return hashlib.sha256(b" ".join(parts)).hexdigest()[:12]

    def to_record(self, round: int) -> RecordDict:
        """Return the message's content."""
        parts = ("utterances", "labels", "owners", "among")
        arrays = {name: getattr(self, name) for name in parts}
        config = ConfigRecord({"sigma": self.sigma, "server-round": round})
        return RecordDict({QUESTION: array_record(arrays), NOISE: config})

    @classmethod
    def from_record(cls, content: RecordDict) -> Question:
        """Read the message's content."""
        arrays = arrays_of(content.array_records[QUESTION])
        sigma = float(content.config_records[NOISE]["sigma"])  # type: ignore[arg-type]
        return cls(arrays["utterances"], arrays["labels"], arrays["owners"], sigma, arrays["among"])


def answer_record(answer: NDArray[np.generic]) -> RecordDict:
    """Return a teacher's answer as a message's content."""
    return RecordDict({ANSWER: array_record({ANSWER: answer})})


def answer_of(content: RecordDict) -> NDArray[np.generic]:
    """Read a teacher's answer."""
    found: NDArray[np.generic] = arrays_of(content.array_records[ANSWER])[ANSWER]
    return found


def padded(rows: Sequence[Sequence[int]]) -> NDArray[np.int32]:
    """Return rows of token numbers as one array, padded with zeros at their ends."""
    found = np.zeros((len(rows), max(map(len, rows), default=0)), np.int32)
    for place, row in enumerate(rows):
        found[place, : len(row)] = row
    return found
