"""A pull towards the weights that training began from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from fedasr.asr.recogniser import Recogniser
from fedasr.training.descent import Descent, State
from fedasr.training.parameters import trained_parameters


class PulledDescent:
    """A descent by gradients to which the gradient of ½·pull·‖w − w₀‖² is added.

    Parameters
    ----------
    recogniser : Recogniser
        It has the weights w₀ as yet: those of the start, also where a training is resumed.
    descent : Descent
        Moves it.
    pull : float
    layers : sequence of str
        What is trained.
    """

    def __init__(self, recogniser: Recogniser, descent: Descent, pull: float, layers: Sequence[str]) -> None:
        self._recogniser, self._descent, self._pull = recogniser, descent, pull
        self._began = {n: p.detach().clone() for n, p in trained_parameters(recogniser, layers).items()}

    def step(self, gradient: Sequence[Tensor], progress: float, rate: float = 1.0) -> None:
        """Pull, and take the step."""
        named = zip(self._recogniser.named_parameters(), gradient, strict=True)
        for (name, parameter), part in named:
            if name in self._began:
                part.add_(parameter.detach() - self._began[name], alpha=self._pull)
        self._descent.step(gradient, progress, rate)

    def state(self) -> State:
        """Return what the descent needs: where training began is known without it."""
        return self._descent.state()

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Continue from what `state` returned."""
        self._descent.restore(arrays)
