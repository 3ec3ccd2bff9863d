"""What is done with noisy gradients at the centre: it sees releases only and costs no privacy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedasr.asr.recogniser import Recogniser
from fedasr.common.settings import Settings, least, one_of, share
from fedasr.training.descent import State
from fedasr.training.optimizer_state import moments_of, restore_moments
from fedasr.training.parameters import ALL, trained_parameters


@dataclass(frozen=True)
class DescentSpec(Settings):
    """Settings of a descent by noisy gradients. None can change the guarantee, if it is chosen on public speech.

    Parameters
    ----------
    optimizer : str
        ``"sgd"`` or ``"adam"``, on the noisy gradient.
    learning_rate, momentum : float
        Momentum is SGD's.
    decay : float
        The learning rate falls linearly over the steps to this share of itself.
    layers : tuple of str
        Patterns of the names of the parameters that are trained; the others stay as they are, without noise.
    """

    optimizer: str = one_of("sgd", "sgd", "adam")
    learning_rate: float = least(0.1, 0.0)
    momentum: float = share(0.0)
    decay: float = share(1.0)
    layers: tuple[str, ...] = ALL


class NoisyDescent:
    """Moves a recogniser by noisy gradients.

    Parameters
    ----------
    recogniser : Recogniser
        Moved in place.
    spec : DescentSpec
    steps : int
        How many there will be.
    """

    def __init__(self, recogniser: Recogniser, spec: DescentSpec, steps: int) -> None:
        self._recogniser, self._spec, self._steps, self._done = recogniser, spec, steps, 0
        self._trained = trained_parameters(recogniser, spec.layers)
        parameters = list(self._trained.values())
        if spec.optimizer == "adam":
            self._optimizer: torch.optim.Optimizer = torch.optim.Adam(parameters, spec.learning_rate, (0.9, 0.98))
        else:
            self._optimizer = torch.optim.SGD(parameters, spec.learning_rate, spec.momentum)

    def step(self, gradient: Sequence[Tensor], progress: float, rate: float = 1.0) -> None:
        """Take a step, at a learning rate that falls with the steps."""
        fallen = (1 - self._spec.decay) * self._done / self._steps
        for group in self._optimizer.param_groups:
            group["lr"] = self._spec.learning_rate * (1 - fallen) * rate
        for (name, parameter), part in zip(self._recogniser.named_parameters(), gradient, strict=True):
            if name in self._trained:
                parameter.grad = part
        self._optimizer.step()
        self._done += 1

    def state(self) -> State:
        """Return the steps done and the moments."""
        moments = moments_of(self._optimizer, self._trained)
        return {"step": np.array(self._done)} | {f"optimizer/{name}": array for name, array in moments.items()}

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Continue from what `state` returned."""
        self._done = int(arrays["step"])
        moments = {n[10:]: a for n, a in arrays.items() if n.startswith("optimizer/")}
        restore_moments(self._optimizer, self._trained, moments)
