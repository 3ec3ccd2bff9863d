"""Frames: a vote for each frame of each utterance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fedasr.messages.kinds import FRAME
from fedasr.messages.votes import Question
from fedasr.voting.ballot import Ballot, Transcripts


def vote_on_frames(ballot: Ballot, chunks: Sequence[Sequence[int]], frames: Sequence[int], tokens: int) -> Transcripts:
    """Return transcripts of the noisy best label of each frame, repeats joined and blanks left out (CTC)."""
    transcripts: Transcripts = {}
    for number, chunk in enumerate(chunks):
        question = Question(np.array(chunk, np.int32), among=np.array(chunk, np.int32))
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
