"""Whole hypotheses: one vote an utterance, among candidates that are public."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fedasr.messages.kinds import CANDIDATE
from fedasr.messages.votes import Question, padded
from fedasr.voting.ballot import Ballot, Transcripts


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
            np.array([row for row, _ in rows], np.int32), among=np.array(chunk, np.int32),
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
