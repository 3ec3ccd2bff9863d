"""A step of training as a protection makes it, and all that chance has to do with one stretch of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from fedasr.privacy.noise import Noise
from fedasr.training.taken import Taken


@dataclass(frozen=True)
class Place:
    """A batch of a pass: with the next one training goes on as if it had never stopped.

    Parameters
    ----------
    begun, made : mapping
        The state of the source of batches (`numpy.random.BitGenerator.state`) before the pass was divided into batches,
        and when this one had been made.
    batches : int
        How many of the pass there are up to this one.
    bounds : sequence of float
        Those of gradients, where they were found at the start of the stretch.
    """

    begun: Mapping[str, Any]
    made: Mapping[str, Any]
    batches: int
    bounds: Sequence[float] = ()


class Step(NamedTuple):
    """One step: the seconds of speech it read (or is expected to), its mean loss, its gradient, and of how many.

    The loss is NaN where no guarantee covers it. The gradient has one tensor a parameter and belongs to the receiver.
    `taken` counts the utterances whose gradients are in it (or are expected to be); without it they are unknown.
    `rate` is the factor of the learning rate that the objective asks for. `place` is where training can go on after it;
    without one it goes on from the start of its stretch alone.
    """

    seconds: float
    loss: float
    gradient: list[Tensor]
    taken: Taken | None = None
    rate: float = 1.0
    place: Place | None = None


@dataclass(frozen=True)
class Dice:
    """All chance of one stretch of training.

    Parameters
    ----------
    batches : numpy.random.Generator
        Order and augmentation.
    masks : tuple of torch.Generator
        Dropout, on the recogniser's device; one a lane, where lanes are computed side by side.
    noise : callable
        ``noise(what, step)`` is the source of noise of one step, counted from the start of the stretch: of the
        operating system, or of the row's streams where the experiment says so. `what` names its purpose.
    steps : int
        How many steps are to be taken: no batch is made for a later one. 0 where nobody knows.
    place : Place, optional
        After which batch the stretch goes on; from its start without one.
    """

    batches: np.random.Generator
    masks: tuple[torch.Generator, ...]
    noise: Callable[[str, int], Noise]
    steps: int = 0
    place: Place | None = None
