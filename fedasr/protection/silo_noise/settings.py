"""Settings of noise at the silo's boundary: the ``protection_options`` of ``protection = "silo-noise"``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from fedasr.common.settings import Mistake, Settings, number, one_of
from fedasr.privacy.accounting.calibration import noise_for
from fedasr.privacy.adjacency import Adjacency
from fedasr.protection.clipping.bounds import NO_LAYERS, SPLITS


@dataclass(frozen=True)
class SiloNoiseSettings(Settings):
    """What is promised to a silo.

    Parameters
    ----------
    epsilon : float
        The target that the noise is planned for.
    delta : float
        The δ of the target.
    noise_multiplier : float, optional
        Given instead of planned.
    clip_norm : float
        The largest L2 norm of a silo's change.
    layer_bounds : str
        How that is divided among the arrays of the change, each of which is then cut by itself: ``"by-size"``,
        ``"equal"``, or ``"none"``: all are cut together. It changes no noise and no ε.
    adjacency : str
        ``"replace-one"`` or ``"add-remove"``.
    """

    epsilon: float = number(8.0, above=0, below=math.inf)
    delta: float = number(1e-5, above=0, below=1)
    noise_multiplier: float | None = number(None, least=0, below=math.inf)
    clip_norm: float = number(1.0, least=1e-12)
    layer_bounds: str = one_of(NO_LAYERS, NO_LAYERS, *SPLITS)
    adjacency: Adjacency = "replace-one"

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse noise that would be infinite, and a target that plans nothing."""
        if math.isinf(self.clip_norm) and self.noise_multiplier != 0:
            yield Mistake("{0} must be finite, not inf: noise is a multiple of it", ("clip_norm",))
        if self.noise_multiplier is not None:
            yield from self.without_effect("epsilon", unless="noise that is planned; leave out noise_multiplier")

    @property
    def unit_and_delta(self) -> tuple[str, float] | None:
        """The silo and δ; None without noise."""
        return None if self.noise_multiplier == 0 else ("silo", self.delta)

    def multiplier(self, rounds: int, rate: float) -> float:
        """Return the noise multiplier for so many rounds at a sampling rate.

        Raises
        ------
        UserError
            Where no noise keeps the target.
        """
        if self.noise_multiplier is not None:
            return self.noise_multiplier
        return noise_for("sampled-gaussian", rounds, self.epsilon, self.delta, self.adjacency, rate=rate)
