"""How long the gradients of groups of public speech are."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from fedasr.asr.augment import NO_AUGMENTATION
from fedasr.asr.batch import Batch
from fedasr.common.errors import RowError
from fedasr.protection.clipping.bounds import Bounds
from fedasr.protection.clipping.taking import Shared, Taking
from fedasr.training.batches import Examples, frames_of, seconds_of
from fedasr.training.learner import Learner
from fedasr.training.passes import rounded_up, starts_by_seconds
from fedasr.training.taken import Taken

MOST = 64
"""Public utterances whose gradients are taken: of all lengths, the same each time."""


@dataclass
class PublicNorms:
    """The norms of groups of labelled public speech, without augmentation and dropout.

    It is divided into batches of neighbours in length, of as many utterances or seconds as batches of private speech
    are, and those into groups. An objective to which public and private speech have losses of different kinds (a
    teacher's frames, and a transcript) gives norms of the public kind, whatever those of the private are.

    Parameters
    ----------
    learner : Learner
    taking : Taking
    executor : Executor

    Attributes
    ----------
    taken : Taken
        The gradients that were taken, all public.
    seconds : float
        Of speech that was read.
    """

    learner: Learner
    taking: Taking
    executor: Executor
    taken: Taken = field(default=Taken(), init=False)
    seconds: float = field(default=0.0, init=False)

    def __call__(self, bounds: Bounds) -> Sequence[Tensor]:
        """Return the norms in each block.

        Raises
        ------
        RowError
            Where there is no labelled public speech.
        """
        learner, taking = self.learner, self.taking
        public = learner.held.labelled if len(learner.held.labelled) else learner.held.public
        if not len(public):
            raise RowError("bound = 'public-quantile' needs labelled public speech; hold some, or set another bound")
        batches = _batches(public, learner.batch_size, learner.batch_seconds)
        for places in batches:
            self.taken += Taken(0, len(places))
            self.seconds += seconds_of(public, places)
        models = taking.models(learner.recogniser, 1)
        shared = [[_batch(learner, public, own) for own in taking.lanes(places, 1)] for places in batches]
        found = [taking.groups(learner, Shared(own, [None], models, self.executor)).norms(bounds) for own in shared]
        return [torch.cat(norms) for norms in zip(*found, strict=True)]


def _batches(public: Examples, size: int, seconds: float) -> list[list[int]]:
    """Return the places of so many utterances, or of so many seconds, at a time."""
    by_length = sorted(range(len(public)), key=public.frames)
    spread = np.linspace(0, len(public) - 1, min(MOST, len(public))).round().astype(int)
    places = [by_length[place] for place in spread]
    starts = list(range(0, len(places), size))
    if seconds:
        starts = starts_by_seconds(rounded_up(frames_of(public, np.array(places)).astype(np.float64)), seconds)
    return [places[start:end] for start, end in zip(starts, [*starts[1:], len(places)], strict=True)]


def _batch(learner: Learner, public: Examples, places: Sequence[int]) -> Batch:
    recogniser, nothing_drawn = learner.recogniser, np.random.default_rng(0)
    stacked = recogniser.spec.frames_stacked
    return learner.objective.batch(public, places, recogniser.tokens, NO_AUGMENTATION, nothing_drawn, stacked)
