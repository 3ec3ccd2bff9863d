"""What teachers of one process remember of a vote between two labels."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from flwr.app import ArrayRecord, RecordDict
from numpy.typing import NDArray

from fedasr.asr.decoding.prefix import PrefixScorer
from fedasr.messages.records import arrays_of
from fedasr.messages.votes import Integers, Question
from fedasr.silo.host import SiloHost
from fedasr.silo.silo import Silo
from fedasr.silo.teachers.hearing import hearing, places
from fedasr.silo.teachers.teacher import TEACHER, teacher

Owner = tuple[NDArray[Any], ...]
"""A teacher, told from others by its arrays: a silo is given the same ones for as long as it keeps them."""
SCORERS_KEPT = 512
"""Prefix scorers that a process keeps between two labels; one that is gone is made again."""


@dataclass
class Kept:
    """A prefix scorer between two labels: whose, of which chunk and utterances, and after which prefixes."""

    owner: Owner
    among: Integers
    utterances: Integers
    said: Integers
    scorer: PrefixScorer

    def rows_for(self, owner: Owner, question: Question) -> Integers | None:
        """Return the rows that a question still asks about, None where the scorer cannot answer it."""
        is_owner = len(self.owner) == len(owner) and all(
            one is other for one, other in zip(self.owner, owner, strict=True)
        )
        if not is_owner or not np.array_equal(self.among, question.among):
            return None
        rows = places(self.utterances, question.utterances)
        if rows is None or not np.array_equal(self.said[rows], question.labels[:, : self.said.shape[1]]):
            return None
        return rows


@dataclass
class Scorers:
    """The prefix scorers of the teachers in this process: a cache, whose loss changes nothing but time."""

    kept: OrderedDict[int, Kept] = field(default_factory=OrderedDict)

    def at_prefix(self, host: SiloHost, silo: Silo, question: Question, state: RecordDict) -> PrefixScorer:
        """Return the scorer of a silo's teacher after the prefixes of a question."""
        if not len(question.among):
            question = replace(question, among=question.utterances)
        owner, known = owner_of(state), self.kept.pop(silo.number, None)
        recogniser = teacher(host, state)  # a scorer goes on with the prediction network that is loaded
        rows = known.rows_for(owner, question) if known else None
        if known is None or rows is None:
            heard, rows = hearing(host, silo, question, state)
            scorer, said = heard.prefix_scorer(recogniser), np.zeros((len(rows), 0), np.int32)
        else:
            scorer, said = known.scorer, known.said
        if not np.array_equal(rows, np.arange(len(scorer.finished_B))):
            scorer = scorer.select(torch.from_numpy(rows.astype(np.int64)))
        for column in range(said.shape[1], question.labels.shape[1]):
            scorer.append(torch.from_numpy(question.labels[:, column].astype(np.int64)))
        self.kept[silo.number] = Kept(owner, question.among, question.utterances, question.labels, scorer)
        while len(self.kept) > SCORERS_KEPT:
            self.kept.popitem(last=False)
        return scorer


def owner_of(state: RecordDict) -> Owner:
    """Return the teacher that a silo keeps."""
    record = state.get(TEACHER)
    return tuple(arrays_of(record).values()) if isinstance(record, ArrayRecord) else ()
