"""No protection: plain gradients."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch

from fedasr.asr.batch import Batch
from fedasr.protection.ahead import made_ahead
from fedasr.protection.batchwise import Batchwise, step_of
from fedasr.protection.step import Dice, Step
from fedasr.training.gradients import Gradient, lanes_gradient
from fedasr.training.learner import Learner


@dataclass(frozen=True)
class Unprotected(Batchwise):
    """The gradient of the mean loss of each batch; where there are several lanes, they are computed side by side."""

    protects: ClassVar[bool] = False

    def gradient(self, learner: Learner, batch: Batch, masks: torch.Generator) -> Gradient:
        """Return the mean loss of a batch and its gradient."""
        return learner.gradient(batch, masks)

    def gradients(self, learner: Learner, dice: Dice) -> Generator[Step, None, None]:
        """Yield the gradient of each batch; the lanes of the next are made while it is computed."""
        if len(dice.masks) == 1:
            yield from super().gradients(learner, dice)
        with ThreadPoolExecutor(len(dice.masks) + 1) as executor:
            for made in made_ahead(learner, dice, partial(_lanes, learner, dice), executor):
                masks = dice.masks[: len(made.batch)]
                with learner.only_trained():
                    loss, gradient = lanes_gradient(learner.gradient, made.batch, masks, executor)
                yield step_of(learner, made, loss, gradient)


def _lanes(learner: Learner, dice: Dice, indices: list[int]) -> list[Batch]:
    """Return the parts of a batch, made one after the other: all draw from one generator."""
    count = len(dice.masks)
    return [learner.batch(indices[lane::count], dice.batches) for lane in range(min(count, len(indices)))]
