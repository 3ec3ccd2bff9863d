"""DP-SGD as an experiment asks for it: ``protection = "dp-sgd"`` with ``protection_options``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fedasr.common.errors import UserError
from fedasr.common.settings import least, number, one_of, share
from fedasr.privacy.accounting.calibration import noise_for
from fedasr.protection.protection import GradientPlan, Protection
from fedasr.training.course import Course
from fedasr.training.learner import Learner
from fedasr.training.parameters import ALL

STRETCHES = 20
"""Into how many parts the centre divides the steps; each ends in a stored release, from which a resumed row goes on."""


@dataclass(frozen=True)
class DPSGD(Protection):
    """DP-SGD over utterances, at the centre or in the silos; what it promises: `fedasr.protection.dp_sgd.plan`.

    Public speech that is trained on beside the private is treated as if it were private too.

    Parameters
    ----------
    epsilon, delta : float
        The target that the noise is planned for.
    noise_multiplier : float
        Given instead of planned, where above 0.
    clip_norm : float
        The largest L2 norm of an utterance's gradient.
    batch_size : int
        Utterances expected in a step.
    steps : int
        Of the centre. Silos take the steps of ``[training]``.
    optimizer, learning_rate, momentum, decay, average, layers
        What the centre does with noisy gradients, which costs no privacy: see
        `fedasr.protection.dp_sgd.descent.DescentSpec`. Silos take `layers` alone.
    """

    epsilon: float = number(8.0, least=1e-6)
    delta: float = number(1e-5, least=1e-300, most=0.999)
    noise_multiplier: float = least(0.0, 0.0)
    clip_norm: float = number(1.0, least=1e-12)
    batch_size: int = least(32, 1)
    steps: int = least(200, 1)
    optimizer: str = one_of("adam", "adam", "sgd")
    learning_rate: float = least(1e-3, 0.0)
    momentum: float = share(0.9)
    decay: float = share(0.2)
    average: float = share(0.0)
    layers: tuple[str, ...] = ALL

    def course(self, learner: Learner, epochs: int) -> Course:
        """Return the steps of the centre, whatever its epochs are."""
        count = min(STRETCHES, self.steps)
        bounds = np.linspace(0, self.steps, count + 1).round().astype(int).tolist()
        return Course(tuple(bounds[1:]), self.steps * self.batch_size / len(learner.examples) / count)

    def plan(self, private: int, public: int, steps: int) -> GradientPlan:
        """Return DP-SGD with the noise that the smallest data holder needs."""
        from fedasr.protection.dp_sgd.sized import SizedDPSGD  # Opacus, below it, takes seconds to import

        return SizedDPSGD(self, private + public, steps)

    def multiplier(self, steps: int, rate: float) -> float:
        """Return the noise multiplier for so many steps at a sampling rate (unit utterance, add-remove).

        Raises
        ------
        UserError
            Where more than everybody is to be drawn, or no noise keeps the target.
        """
        if self.noise_multiplier:
            return self.noise_multiplier
        if rate > 1:
            raise UserError(f"protection_options.batch_size is {self.batch_size}, more utterances than there are")
        return noise_for("sampled-gaussian", steps, self.epsilon, self.delta, "add-remove", rate=rate)
