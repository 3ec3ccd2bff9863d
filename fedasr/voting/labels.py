"""Labels: the next label of a shared prefix, U + 1 votes for an utterance of U labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fedasr.messages.kinds import LABEL
from fedasr.messages.votes import Question, padded
from fedasr.privacy.mechanisms.confident_max import ABSTAINED
from fedasr.privacy.mechanisms.gaussian import NoisyMean
from fedasr.voting.ballot import Ballot, Transcripts


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
