"""Outer optimizers: the step a server takes with the mean of its silos' models.

All are one algebra. With ``G(t) = mean_n W_n(t) - Wg(t-1)``, the distance from the model that was sent
to the mean of the models that came back:

    Δ(t) = momentum · Δ(t-1) + rate · G(t),   W(t) = W(t-1) + Δ(t)

and the model that is sent next is ``W(t)`` (heavy ball) or ``W(t) + momentum · Δ(t)`` (Nesterov).
W(t) is the model that is evaluated. ``momentum = 0, rate = 1`` is plain averaging. All is computed in float64 and
rounded to the type of the model (see `fedasr.common.number_types.in_type`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.common.number_types import in_type

Arrays = Mapping[str, NDArray[Any]]
MEMORIES = 8
"""A filter's memory of 1 / (1 - momentum) rounds should pass so often in a training."""


def momentum_within(rounds: int, most: float) -> float:
    """Return a momentum, lowered to what so many rounds leave room for: its memory passes `MEMORIES` times.

    The mean change answers where the model stands: what momentum carries beyond its mark, later changes take back. With
    little time for that the training ends beyond it. Up to `MEMORIES` rounds leave room for none.
    """
    return min(most, 1 - 1 / max(rounds / MEMORIES, 1.0))


@dataclass
class MomentumStep:
    """Averaging with server momentum, heavy ball or Nesterov.

    Parameters
    ----------
    rate, momentum : float
    nesterov : bool
        Send the look-ahead.
    """

    rate: float = 1.0
    momentum: float = 0.0
    nesterov: bool = False
    velocity: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def said(self) -> str:
        """Return the step in words."""
        parts = [f"momentum {self.momentum:g}{', Nesterov' if self.nesterov else ''}"] if self.momentum else []
        parts += [f"rate {self.rate:g}"] if self.rate != 1 else []
        return ", ".join(parts) or "mean"

    def ahead(self, weights: Arrays) -> dict[str, NDArray[Any]]:
        """Return the model to send: `weights`, or the look-ahead from them."""
        if not (self.nesterov and self.velocity):
            return dict(weights)
        return {n: in_type(a + self.momentum * self.velocity[n], a.dtype) for n, a in weights.items()}

    def step(self, weights: Arrays, sent: Arrays, mean: Arrays) -> dict[str, NDArray[Any]]:
        """Return W(t) from W(t-1), the model that was sent, and the mean of those that came back."""
        if self.momentum == 0 and self.rate == 1:
            return {name: in_type(mean[name], array.dtype) for name, array in weights.items()}  # not rounded twice
        return self.move(weights, {name: np.asarray(mean[name], np.float64) - sent[name] for name in weights})

    def move(self, weights: Arrays, distances: Arrays) -> dict[str, NDArray[Any]]:
        """Return W(t) from W(t-1) and G(t)."""
        moved = {}
        for name, array in weights.items():
            before = self.velocity.get(name, 0.0)
            distance = np.asarray(distances[name], np.float64)
            self.velocity[name] = self.momentum * before + self.rate * distance
            moved[name] = in_type(array + self.velocity[name], array.dtype)
        return moved
