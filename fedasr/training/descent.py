"""What is done with gradients at the centre: an optimizer, its schedule, and the model that comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedasr.asr.recogniser import Recogniser
from fedasr.training.gradients import clip_norm_
from fedasr.training.optimizer_state import moments_of, restore_moments
from fedasr.training.schedule import one_cycle

State = dict[str, NDArray[np.generic]]


class Descent(Protocol):
    """Moves a recogniser by its gradients; can be stopped and resumed between steps."""

    def step(self, gradient: Sequence[Tensor], progress: float, rate: float = 1.0) -> None:
        """Move by a gradient, one tensor a parameter.

        Parameters
        ----------
        gradient : sequence of Tensor
            May be changed in place.
        progress : float
            The share of the training that was done before the step.
        rate : float
            The factor of the learning rate that the objective asks for.
        """

    def state(self) -> State:
        """Return all that `restore` needs but the recogniser's weights, as arrays by name."""

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Continue from what `state` returned; other arrays may stand beside them."""


class OneCycle:
    """AdamW with a one-cycle schedule, gradients clipped to a global norm.

    Parameters
    ----------
    recogniser : Recogniser
        Moved in place.
    learning_rate : float
        The peak of the schedule.
    weight_decay : float
    gradient_norm : float
        The largest global L2 norm of a gradient; infinity switches clipping off.
    """

    def __init__(self, recogniser: Recogniser, learning_rate: float, weight_decay: float, gradient_norm: float) -> None:
        self._recogniser, self._peak, self._largest = recogniser, learning_rate, gradient_norm
        self._optimizer = torch.optim.AdamW(
            recogniser.parameters(), learning_rate, (0.9, 0.98), weight_decay=weight_decay
        )

    def step(self, gradient: Sequence[Tensor], progress: float, rate: float = 1.0) -> None:
        """Clip, and take a step at the schedule's learning rate times the factor."""
        for group in self._optimizer.param_groups:
            group["lr"] = one_cycle(progress, self._peak) * rate
        clip_norm_(gradient, self._largest)
        for parameter, part in zip(self._recogniser.parameters(), gradient, strict=True):
            parameter.grad = part
        self._optimizer.step()

    def state(self) -> State:
        """Return the moments."""
        moments = moments_of(self._optimizer, dict(self._recogniser.named_parameters()))
        return {f"optimizer/{name}": array for name, array in moments.items()}

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Take up the moments."""
        moments = {n.removeprefix("optimizer/"): a for n, a in arrays.items() if n.startswith("optimizer/")}
        restore_moments(self._optimizer, dict(self._recogniser.named_parameters()), moments)
