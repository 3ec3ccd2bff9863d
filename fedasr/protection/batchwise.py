"""Protections that leave sampling as it is: batch after batch, pass after pass, and promise nothing."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import torch

from fedasr.asr.batch import Batch
from fedasr.protection.ahead import made_ahead
from fedasr.protection.protection import Dice, GradientPlan, Guarantee, Protection, Step
from fedasr.training.batches import seconds_of
from fedasr.training.gradients import Gradient
from fedasr.training.learner import Learner


class Batchwise(Protection, GradientPlan):
    """A protection that only changes how the gradient of a batch is made. It needs no plan: it is its own."""

    @abstractmethod
    def gradient(self, learner: Learner, batch: Batch, masks: torch.Generator) -> Gradient:
        """Return the mean loss of a batch and its gradient, one tensor a parameter."""

    @property
    def guarantee(self) -> Guarantee | None:
        """Nothing is promised."""
        return None

    def plan(self, private: int, public: int, steps: int) -> GradientPlan:
        """Return itself, whatever the sizes."""
        return self

    def gradients(self, learner: Learner, dice: Dice) -> Generator[Step, None, None]:
        """Yield the gradient of each batch; the next is made while it is computed."""
        make = partial(learner.batch, generator=dice.batches)
        with ThreadPoolExecutor(1) as executor:
            for indices, batch in made_ahead(learner, dice, make, executor):
                with learner.only_trained():
                    loss, gradient = self.gradient(learner, batch, dice.masks[0])
                yield Step(
                    seconds_of(learner.examples, indices), loss, gradient, learner.taken(indices), learner.rate(indices)
                )
