"""Noise at the silo's boundary as a protection: ``protection = "silo-noise"``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fedasr.common.errors import RowError, UserError
from fedasr.protection.boundary import BoundaryProtection
from fedasr.protection.clipping.bounds import NO_LAYERS
from fedasr.protection.silo_noise.plan import SiloNoisePlan
from fedasr.protection.silo_noise.settings import SiloNoiseSettings


@dataclass(frozen=True)
class SiloNoise(SiloNoiseSettings, BoundaryProtection):
    """Clipped changes, a cohort by secure coins, noise on their sum: privacy for the silo.

    For every strategy that reads the mean of the replies and nothing else of them; every silo counts alike, and the
    sum is divided by the expected cohort, ``training.silos_per_round``. What it promises:
    `fedasr.protection.silo_noise.plan`.
    """

    def said(self, at_centre: bool) -> Mapping[str, str]:
        """Return the clip."""
        divided = "" if self.layer_bounds == NO_LAYERS else f", divided among layers ({self.layer_bounds})"
        return {"clip": f"{self.clip_norm:g} a silo{divided}"}

    def boundary(self, rate: float, rounds: int) -> SiloNoisePlan:
        """Return the plan, with the noise that so many rounds need."""
        try:
            multiplier = self.multiplier(rounds, rate)
        except UserError as error:
            raise RowError(str(error)) from error
        return SiloNoisePlan(multiplier, self.clip_norm, rate, self.delta, self.adjacency, rounds, self.layer_bounds)
