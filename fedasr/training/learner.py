"""A learner: all that one gradient is made of, in a silo and at the centre alike."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from fedasr.asr.augment import AugmentSpec
from fedasr.asr.batch import Batch
from fedasr.asr.recogniser import Recogniser
from fedasr.common.errors import RowError
from fedasr.training.batches import Examples
from fedasr.training.gradients import batch_gradient
from fedasr.training.holdings import Holdings
from fedasr.training.objectives.objective import Objective
from fedasr.training.parameters import ALL, only_trained
from fedasr.training.passes import Batches
from fedasr.training.taken import Taken


@dataclass(frozen=True)
class Learner:
    """A model, what it is trained for, and the speech of one data holder.

    Parameters
    ----------
    recogniser : Recogniser
        Whose weights a gradient is taken at.
    objective : Objective
    held : Holdings
    augment : AugmentSpec
    batch_size : int
        Utterances of a batch.
    layers : tuple of str
        Patterns of the parameters that are trained; the gradient of others is zeros.
    batch_seconds : float
        Where above 0, seconds of a batch, padded, in place of its utterances.
    """

    recogniser: Recogniser
    objective: Objective
    held: Holdings
    augment: AugmentSpec
    batch_size: int
    layers: tuple[str, ...] = ALL
    batch_seconds: float = 0.0

    @cached_property
    def learnt(self) -> Holdings:
        """What the objective learns from, private and public apart.

        Raises
        ------
        RowError
            Where that is nothing.
        """
        learnt = self.objective.examples(self.held)
        if not len(learnt.examples):
            raise RowError(f"the objective {type(self.objective).__name__} finds nothing to learn from")
        return learnt

    @cached_property
    def examples(self) -> Examples:
        """The private and then the public examples."""
        return self.learnt.examples

    @property
    def steps(self) -> int:
        """Batches of one pass over the examples."""
        return self.objective.steps(self.learnt, self.batch_size, self.batch_seconds)

    def batches(self, generator: np.random.Generator) -> Batches:
        """Divide one pass over the examples into batches of places."""
        return self.objective.batches(self.learnt, self.batch_size, generator, self.batch_seconds)

    def batch(self, indices: Sequence[int], generator: np.random.Generator) -> Batch:
        """Return the batch of some examples, augmented."""
        tokens, stacked = self.recogniser.tokens, self.recogniser.spec.frames_stacked
        return self.objective.batch(self.examples, indices, tokens, self.augment, generator, stacked)

    def taken(self, indices: Sequence[int]) -> Taken:
        """Return how many gradients of one utterance a step on some examples takes."""
        private = sum(index < len(self.learnt.private) for index in indices)
        return Taken(private, len(indices) - private)

    def rate(self, indices: Sequence[int]) -> float:
        """Return the factor of the learning rate for a batch."""
        return self.objective.rate(self.learnt, indices)

    def at(self, begun: float, ended: float) -> Learner:
        """Return the learner of a stretch between two shares of the training."""
        objective = self.objective.at(begun, ended)
        return self if objective is self.objective else replace(self, objective=objective)

    def expected(self, count: float) -> Taken:
        """Return the same of so many examples drawn among all, on average."""
        share = len(self.learnt.private) / len(self.examples)
        return Taken(count * share, count * (1 - share))

    def gradient(self, batch: Batch, masks: torch.Generator | None) -> tuple[float, list[Tensor]]:
        """Return the mean loss of a batch and its gradient, one tensor a parameter.

        To be called within `only_trained`, which several threads cannot enter for themselves.
        """
        return batch_gradient(self.recogniser, self.objective.losses, batch, masks)

    def only_trained(self) -> AbstractContextManager[None]:
        """Within the block, parameters outside the layers are constants to autograd."""
        return only_trained(self.recogniser, self.layers)
