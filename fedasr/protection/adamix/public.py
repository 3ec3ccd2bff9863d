"""The public half of a step: labelled public utterances, and the gradient of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fedasr.asr.batch import Batch
from fedasr.asr.recogniser import Recogniser
from fedasr.protection.adamix.speech import labelled_public
from fedasr.protection.clipping.bounds import Bounds
from fedasr.protection.clipping.cut import cut_sum
from fedasr.protection.per_example.clipping import each_gradient
from fedasr.training.batches import Examples, seconds_of
from fedasr.training.learner import Learner


@dataclass(frozen=True)
class PublicBatch:
    """Some public utterances, in lanes.

    Parameters
    ----------
    lanes : sequence of Batch
        None of them is empty.
    seconds : float
        Of speech.
    """

    lanes: Sequence[Batch]
    seconds: float

    def __len__(self) -> int:
        return sum(map(len, self.lanes))


NOBODY = PublicBatch((), 0.0)


def public_batch(learner: Learner, size: int, lanes: int, generator: np.random.Generator) -> PublicBatch:
    """Draw so many labelled public utterances, each at most once, and make their batch.

    Raises
    ------
    RowError
        Where there are not as many.
    """
    public = labelled_public(learner, size)
    drawn = generator.choice(len(public), size, replace=False)
    places = sorted(drawn.tolist(), key=public.frames)
    batches = [_batch(learner, public, places[lane::lanes], generator) for lane in range(min(lanes, size))]
    return PublicBatch(batches, seconds_of(public, places))


@dataclass(frozen=True)
class PublicGradients:
    """The gradients of public utterances; those that are not finite are left out.

    Parameters
    ----------
    parts : sequence of Tensor
        Each trained parameter's gradients, the utterances along the first axis.
    norms_B : Tensor of float64
        Of the whole gradients.
    mean : sequence of Tensor of float64
        One tensor a trained parameter.
    """

    parts: Sequence[Tensor]
    norms_B: Tensor
    mean: Sequence[Tensor]

    @classmethod
    def of(
        cls, models: Sequence[Recogniser], learner: Learner, batch: PublicBatch, layers: Sequence[str],
        masks: Sequence[torch.Generator], executor: Executor,
    ) -> PublicGradients:  # fmt: skip
        """Take them, lane by lane."""
        if not len(batch):
            return cls.of_parts({})
        loss = learner.objective.losses
        jobs = [
            executor.submit(each_gradient, model, loss, lane, generator, layers)
            for model, lane, generator in zip(models, batch.lanes, masks, strict=False)
        ]
        found = [job.result() for job in jobs]
        return cls.of_parts({name: torch.cat([lane[name] for lane in found]) for name in found[0]})

    @classmethod
    def of_parts(cls, parts: Mapping[str, Tensor]) -> PublicGradients:
        """Return gradients of which each parameter's stand along a tensor's first axis; of no parameter, none."""
        if not parts:
            return cls((), torch.zeros(0, dtype=torch.float64), ())
        total, norms_B = cut_sum(parts, Bounds.of_all(parts, math.inf))
        finite_B = norms_B.isfinite()
        count, kept = int(finite_B.sum()), [part if finite_B.all() else part[finite_B] for part in parts.values()]
        return cls(kept, norms_B[finite_B], [part / max(count, 1) for part in total.values()])


def _batch(learner: Learner, public: Examples, places: Sequence[int], generator: np.random.Generator) -> Batch:
    tokens, stacked = learner.recogniser.tokens, learner.recogniser.spec.frames_stacked
    return learner.objective.batch(public, places, tokens, learner.augment, generator, stacked)
