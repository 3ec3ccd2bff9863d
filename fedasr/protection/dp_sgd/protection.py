"""DP-SGD as a protection: ``protection = "dp-sgd"``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fedasr.protection.dp_sgd.settings import DPSGDSettings
from fedasr.protection.gradient_plan import GradientPlan
from fedasr.protection.protection import Protection
from fedasr.training.course import Course
from fedasr.training.learner import Learner

STRETCHES = 20
"""Into how many parts the centre divides the steps; each ends in a stored release, from which a resumed row goes on."""


@dataclass(frozen=True)
class DPSGD(DPSGDSettings, Protection):
    """DP-SGD over utterances, at the centre or in the silos; what it promises: `fedasr.protection.dp_sgd.plan`.

    Public speech that is trained on beside the private is treated as if it were private too.

    Parameters
    ----------
    epsilon, delta, noise_multiplier, clip_norm, batch_size, steps
        What the guarantee depends on; see `DPSGDSettings`.
    optimizer, learning_rate, momentum, decay, layers
        What is done with noisy gradients; see `DPSGDSettings`.
    """

    @property
    def lot(self) -> float:
        """The utterances expected in a step."""
        return self.batch_size

    def said(self, at_centre: bool) -> Mapping[str, str]:
        """Return the lots and the clip; at the centre its own optimizer, too."""
        drawn = {"batch": f"{self.batch_size} expected", "clip": f"{self.clip_norm:g} an utterance"}
        if not at_centre:
            return drawn
        schedule = "constant" if self.decay == 1 else f"linear to {self.decay:g}"
        momentum = f", momentum {self.momentum:g}" if self.optimizer == "sgd" and self.momentum else ""
        own = {"optimizer": self.optimizer + momentum, "learning_rate": f"{self.learning_rate:g}"}
        return {**drawn, **own, "schedule": schedule, "steps": f"{self.steps} steps"}

    def course(self, learner: Learner, epochs: int) -> Course:
        """Return the steps of the centre, whatever its epochs are."""
        count = min(STRETCHES, self.steps)
        bounds = np.linspace(0, self.steps, count + 1).round().astype(int).tolist()
        return Course(tuple(bounds[1:]), self.steps * self.batch_size / len(learner.examples) / count)

    def plan(self, private: int, public: int, steps: int) -> GradientPlan:
        """Return DP-SGD with the noise that the smallest data holder needs."""
        from fedasr.protection.dp_sgd.sized import SizedDPSGD  # Opacus, below it, takes seconds to import

        return SizedDPSGD(self, private + public, steps)
