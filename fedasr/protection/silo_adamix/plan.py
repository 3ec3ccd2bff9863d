"""AdaMix at the silos' boundary (Golatkar et al., CVPR 2022, arXiv 2203.11481), sized for a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from fedasr.common.errors import RowError
from fedasr.common.files import Arrays
from fedasr.privacy.mechanisms.gaussian import THRESHOLD, SampledGaussian
from fedasr.privacy.noise import Noise
from fedasr.privacy.noise_grid import NoiseGrid
from fedasr.protection.adamix.mixing import mixed
from fedasr.protection.adamix.public import PublicGradients
from fedasr.protection.adamix.threshold import threshold_of
from fedasr.protection.silo_adamix.settings import SiloAdaMixSettings
from fedasr.protection.silo_noise.plan import SiloNoisePlan


@dataclass(frozen=True)
class SiloAdaMixPlan(SiloNoisePlan):
    """Rounds of AdaMix for the unit silo.

    Guarantee: that of `SiloNoisePlan`. A round t has a threshold C_t in the place of C, and noise of standard deviation
    z·C_t, z the same in all rounds. What is published is the noisy sum in units of C_t: one `SampledGaussian` of
    multiplier z and clip norm 1, and so it is charged, whatever C_t is. C_t is known before a silo is asked, since it
    is made of public speakers' changes of the model that the silos are sent, a past release, and of public chance.
    What follows the noise (projection on the span of these changes, their mean, the pull, the server's step) is
    post-processing. ε is the same with and without each of them.

    ======================  =======================================================================
    C_t = 0                 no pseudo-silo moves: the row ends, before a silo is asked in that round
    a pseudo-silo's change  it has no part in the round
    is not finite
    fewer directions than   the subspace is the span of what there is
    `subspace`
    ======================  =======================================================================

    Parameters
    ----------
    settings : SiloAdaMixSettings
    """

    settings: SiloAdaMixSettings = field(default_factory=SiloAdaMixSettings)

    @property
    def _in_thresholds(self) -> bool:
        return self.settings.rule.known is None

    @property
    def mechanism(self) -> SampledGaussian:
        """One round, in units of the threshold unless that is fixed."""
        plain = super().mechanism
        return replace(plain, clip_norm=1.0, clip_unit=THRESHOLD) if self._in_thresholds else plain

    @property
    def pseudo_silo_speakers(self) -> int:
        """Those of the settings, where something of pseudo-silos is needed."""
        return self.settings.speakers if self.settings.needs_public else 0

    def in_round(self, public: Sequence[Arrays]) -> SiloAdaMixPlan:
        """Return the plan of a round, which clips to its threshold.

        Raises
        ------
        RowError
            Where the pseudo-silos give none.
        """
        if not self._in_thresholds:
            return self
        threshold = threshold_of(self.settings.rule, _gradients(public).norms_B)
        if not threshold:
            raise RowError("no pseudo-silo changes the model, so there is no threshold; set bound = 'fixed'")
        return replace(self, clip_norm=threshold)

    def released(self, total: Arrays, grid: NoiseGrid | None, noise: Noise) -> Arrays:
        """Add the noise, and return the sum in units of the threshold."""
        noisy = super().released(total, grid, noise)
        return {name: array / self.clip_norm for name, array in noisy.items()} if self._in_thresholds else noisy

    def directed(self, mean: Arrays, public: Sequence[Arrays], away: Arrays) -> Arrays:
        """Return the mean, no more in units, projected, with the public mean change and the pull."""
        settings, unit = self.settings, self.clip_norm if self._in_thresholds else 1.0
        noisy = [torch.from_numpy(array * array.dtype.type(unit)) for array in mean.values()]
        if public:
            noisy = mixed(noisy, _gradients(public), settings.subspace, settings.public_weight)
        found = {name: part.numpy() for name, part in zip(mean, noisy, strict=True)}
        if not settings.pull:
            return found
        return {name: array + array.dtype.type(settings.pull) * away[name] for name, array in found.items()}


def _gradients(public: Sequence[Arrays]) -> PublicGradients:
    """Return pseudo-silos' changes as AdaMix takes gradients."""
    names = list(public[0]) if public else []
    return PublicGradients.of_parts(
        {name: torch.stack([torch.from_numpy(change[name]) for change in public]) for name in names}
    )
