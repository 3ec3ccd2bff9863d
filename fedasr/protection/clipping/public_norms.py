"""How long the gradients of groups of public speech are."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np
import torch
from torch import Tensor

from fedasr.asr.augment import NO_AUGMENTATION
from fedasr.asr.batch import Batch
from fedasr.common.errors import RowError
from fedasr.protection.clipping.bounds import Bounds
from fedasr.protection.clipping.taking import Shared, Taking
from fedasr.training.batches import Examples
from fedasr.training.learner import Learner

MOST = 64
"""Public utterances whose gradients are taken: of all lengths, the same each time."""


def public_norms(learner: Learner, taking: Taking, executor: Executor, bounds: Bounds) -> Sequence[Tensor]:
    """Return the norms, in each block, of groups of labelled public speech, without augmentation and dropout.

    They are divided into batches of like length and those into groups, as private speech is.

    Raises
    ------
    RowError
        Where there is no labelled public speech.
    """
    public = learner.held.labelled if len(learner.held.labelled) else learner.held.public
    if not len(public):
        raise RowError("bound = 'public-quantile' needs labelled public speech; hold some, or set another bound")
    by_length = sorted(range(len(public)), key=public.frames)
    spread = np.linspace(0, len(public) - 1, min(MOST, len(public))).round().astype(int)
    places, size = [by_length[place] for place in spread], learner.batch_size
    lanes = [taking.lanes(places[start : start + size], 1) for start in range(0, len(places), size)]
    batches = [[_batch(learner, public, own) for own in lane] for lane in lanes]
    models = taking.models(learner.recogniser, 1)
    found = [taking.groups(learner, Shared(batch, [None], models, executor)).norms(bounds) for batch in batches]
    return [torch.cat(norms) for norms in zip(*found, strict=True)]


def _batch(learner: Learner, public: Examples, places: Sequence[int]) -> Batch:
    recogniser, nothing_drawn = learner.recogniser, np.random.default_rng(0)
    stacked = recogniser.spec.frames_stacked
    return learner.objective.batch(public, places, recogniser.tokens, NO_AUGMENTATION, nothing_drawn, stacked)
