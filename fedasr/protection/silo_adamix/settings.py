"""Settings of AdaMix for the unit silo: the ``protection_options`` of ``protection = "silo-adamix"``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fedasr.common.settings import Mistake, least
from fedasr.protection.adamix.mixing_settings import MixingSettings
from fedasr.protection.clipping.rule import BoundRule
from fedasr.protection.silo_noise.settings import SiloNoiseSettings


@dataclass(frozen=True)
class SiloAdaMixSettings(MixingSettings, SiloNoiseSettings):
    """What is promised to a silo (`SiloNoiseSettings`), and what public speech does, which costs no privacy.

    Parameters
    ----------
    bound, quantile, subspace, public_weight, pull, speakers
        See `fedasr.protection.silo_adamix.protection.SiloAdaMix`.
    """

    speakers: int = least(1, 1)

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse what takes no effect."""
        yield from super().conflicts()
        if not self.needs_public:
            yield from self.without_effect("speakers", unless="a quantile, a subspace or a public_weight")

    @property
    def rule(self) -> BoundRule:
        """Where a round's threshold comes from."""
        return self.rule_beside(self.clip_norm)
