"""Protections that leave sampling as it is: batch after batch, pass after pass, and promise nothing."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import torch
from torch import Tensor

from fedasr.asr.batch import Batch
from fedasr.protection.ahead import Made, made_ahead
from fedasr.protection.gradient_plan import GradientPlan
from fedasr.protection.guarantee import Guarantee
from fedasr.protection.protection import Protection
from fedasr.protection.step import Dice, Step
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
            for made in made_ahead(learner, dice, make, executor):
                with learner.only_trained():
                    loss, gradient = self.gradient(learner, made.batch, dice.masks[0])
                yield step_of(learner, made, loss, gradient)


def step_of(learner: Learner, made: Made[Any], loss: float, gradient: list[Tensor]) -> Step:
    """Return the step that was taken on a batch."""
    seconds, rate = seconds_of(learner.examples, made.indices), learner.rate(made.indices)
    return Step(seconds, loss, gradient, learner.taken(made.indices), rate, made.place)
