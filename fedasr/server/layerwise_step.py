"""LAMB as an outer optimizer (You et al. 2020, arXiv 1904.00962, Algorithm 2, without weight decay).

With Δ the distance from the model that was sent to the mean of those that came back, for each layer x of the model

    m ← β1 m + (1 − β1) Δ,   v ← β2 v + (1 − β2) Δ²,   r = (m / (1 − β1^t)) / (√(v / (1 − β2^t)) + ε)
    direction = ‖x‖ / ‖r‖ · r

so that all layers move by the same share of their own length; where x or r is zero, the direction is r. A layer is one
array of the model. The published step is the direction times the rate; by default the whole step is as long as the
rate times the mean change, as for the other optimizers (`fedasr.server.adaptive_step`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedasr.server.adaptive_step import AdaptiveStep, Arrays

LAMB_EPSILON = 1e-6
"""ε by default, as published."""


@dataclass
class LayerwiseStep(AdaptiveStep):
    """The server's step by LAMB; parameters as of `AdaptiveStep`, ``tau`` being ε and the optimizer Adam's."""

    def said(self) -> str:
        """Return the step in words."""
        return super().said().replace(self.optimizer, "lamb")

    def _directions(self, weights: Arrays, changes: Arrays, tau: float) -> dict[str, NDArray[np.float64]]:
        return {name: trusted(self._ratio(name, change, tau), weights[name]) for name, change in changes.items()}

    def _ratio(self, name: str, change: NDArray[np.float64], tau: float) -> NDArray[np.float64]:
        """Return r, the moments' ratio without their bias towards zero."""
        nothing = np.zeros(change.shape)
        self.mean[name] = self.first * self.mean.get(name, nothing) + (1 - self.first) * change
        self.square[name] = self.second * self.square.get(name, nothing) + (1 - self.second) * change**2
        mean = self.mean[name] / (1 - self.first**self.steps)
        return mean / (np.sqrt(self.square[name] / (1 - self.second**self.steps)) + tau)


def trusted(ratio: NDArray[np.float64], layer: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return a layer's ratio, as long as the layer is."""
    length, far = float(np.linalg.norm(np.asarray(layer, np.float64))), float(np.linalg.norm(ratio))
    return ratio * (length / far) if length and far else ratio
