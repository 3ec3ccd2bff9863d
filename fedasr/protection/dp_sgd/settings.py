"""Settings of DP-SGD as an experiment gives them: the ``protection_options`` of ``protection = "dp-sgd"``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from fedasr.common.errors import UserError
from fedasr.common.settings import Mistake, Settings, least, number, one_of, share
from fedasr.privacy.accounting.calibration import noise_for
from fedasr.training.iterates import ONE_MEAN
from fedasr.training.parameters import ALL


@dataclass(frozen=True)
class DPSGDSettings(Settings):
    """Settings of DP-SGD over utterances.

    Parameters
    ----------
    epsilon : float
        The target that the noise is planned for.
    delta : float
        The δ of the target.
    noise_multiplier : float, optional
        Given instead of planned; 0 means no noise, and then nothing is promised.
    clip_norm : float
        The largest L2 norm of an utterance's gradient.
    batch_size : int
        Utterances expected in a step.
    steps : int
        Of the centre. Silos take the steps of ``[training]``.
    optimizer : str
        Of the centre, on the noisy gradient. This and what follows costs no privacy.
    learning_rate : float
        Of the centre.
    momentum : float
        Of the centre's SGD.
    decay : float
        The centre's learning rate falls linearly over the steps to this share of itself.
    layers : tuple of str
        Patterns of the parameters that are trained, at the centre and in silos; the others get no noise.
    """

    epsilon: float = number(8.0, least=1e-6)
    delta: float = number(1e-5, least=1e-300, most=0.999)
    noise_multiplier: float | None = number(None, least=0, below=math.inf)
    clip_norm: float = number(1.0, least=1e-12)
    batch_size: int = least(32, 1)
    steps: int = least(200, 1)
    optimizer: str = one_of("adam", "adam", "sgd")
    learning_rate: float = least(1e-3, 0.0)
    momentum: float = share(0.9)
    decay: float = share(0.2)
    layers: tuple[str, ...] = ALL
    former: ClassVar[Mapping[str, str]] = {"average": ONE_MEAN}
    of_centre: ClassVar[tuple[str, ...]] = ("steps", "optimizer", "learning_rate", "momentum", "decay")

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse a target that plans nothing."""
        if self.noise_multiplier is not None:
            yield from self.without_effect("epsilon", unless="noise that is planned; leave out noise_multiplier")

    @property
    def unit_and_delta(self) -> tuple[str, float] | None:
        """The utterance and δ; None without noise."""
        return None if self.noise_multiplier == 0 else ("utterance", self.delta)

    def multiplier(self, steps: int, rate: float) -> float:
        """Return the noise multiplier for so many steps at a sampling rate (unit utterance, add-remove).

        Raises
        ------
        UserError
            Where more than everybody is to be drawn, or no noise keeps the target.
        """
        if self.noise_multiplier is not None:
            return self.noise_multiplier
        if rate > 1:
            raise UserError(f"protection_options.batch_size is {self.batch_size}, more utterances than there are")
        return noise_for("sampled-gaussian", steps, self.epsilon, self.delta, "add-remove", rate=rate)
