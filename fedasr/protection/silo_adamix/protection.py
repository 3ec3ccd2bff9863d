"""AdaMix for the unit silo as a protection: ``protection = "silo-adamix"``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fedasr.common.errors import RowError, UserError
from fedasr.protection.silo_adamix.plan import SiloAdaMixPlan
from fedasr.protection.silo_adamix.settings import SiloAdaMixSettings
from fedasr.protection.silo_noise.protection import SiloNoise


@dataclass(frozen=True)
class SiloAdaMix(SiloAdaMixSettings, SiloNoise):
    """Silos' changes, bounded and directed by those of pseudo-silos of public speech, and noised: privacy for the silo.

    A pseudo-silo is so many speakers of the labelled public speech; the server lets each do the local work of a round,
    from the same model by the same message as the silos, with nothing kept from round to round. For every strategy for
    which ``silo-noise`` is, if its silos reply with one model or change. What it promises:
    `fedasr.protection.silo_adamix.plan`.

    Parameters
    ----------
    epsilon, delta, noise_multiplier, layer_bounds, adjacency
        See `SiloNoiseSettings`.
    bound : str
        Where a round's threshold comes from, to which silos' changes are clipped: ``"public-quantile"`` of the norms of
        the pseudo-silos' changes, or ``"fixed"``. The noise is in proportion to it.
    clip_norm : float
        The threshold that is fixed.
    quantile : float
    speakers : int
        Public speakers of a pseudo-silo; those left over, too few for another, are in none.
    subspace : int
        Dimensions of the span of the pseudo-silos' changes on which the noisy mean is projected; 0 for none.
    public_weight : float
        The factor of the mean change of pseudo-silos, which is added; 0 for none.
    pull : float
        The factor of the way back to the weights that the row begins from, which is added; 0 for none.
    """

    @property
    def least_public_speakers(self) -> int:
        """Those of one pseudo-silo."""
        return self.speakers if self.needs_public else 0

    def said(self, at_centre: bool) -> Mapping[str, str]:
        """Return the clip, and who the pseudo-silos are."""
        of = f"; pseudo-silos of {self.speakers} public speakers each" if self.needs_public else ""
        divided = super().said(at_centre)["clip"].partition(",")[2]
        return {"clip": f"{self.rule.said()} a silo{',' if divided else ''}{divided}{of}"}

    def boundary(self, rate: float, rounds: int) -> SiloAdaMixPlan:
        """Return the plan, with the noise that so many rounds need."""
        try:
            multiplier = self.multiplier(rounds, rate)
        except UserError as error:
            raise RowError(str(error)) from error
        return SiloAdaMixPlan(
            multiplier, self.clip_norm, rate, self.delta, self.adjacency, rounds, self.layer_bounds, self
        )  # fmt: skip
