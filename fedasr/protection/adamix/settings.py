"""Settings of AdaMix as an experiment gives them: the ``protection_options`` of ``protection = "adamix"``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from fedasr.common.settings import Mistake, least
from fedasr.protection.adamix.mixing_settings import MixingSettings
from fedasr.protection.clipping.rule import BoundRule
from fedasr.protection.dp_sgd.settings import DPSGDSettings


@dataclass(frozen=True)
class AdaMixSettings(MixingSettings, DPSGDSettings):
    """Settings of AdaMix: those of DP-SGD (`DPSGDSettings`), and what public speech does. The latter costs no privacy.

    Parameters
    ----------
    bound, quantile, subspace, public_weight, pull, public_batch
        See `fedasr.protection.adamix.protection.AdaMix`.
    """

    public_batch: int = least(16, 1)
    of_centre: ClassVar[tuple[str, ...]] = (*DPSGDSettings.of_centre, "pull")

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse what takes no effect, and more dimensions than there are gradients."""
        yield from super().conflicts()
        if not self.needs_public:
            yield from self.without_effect("public_batch", unless="a quantile, a subspace or a public_weight")
        if self.subspace > self.public_batch:
            yield Mistake(f"{{0}} is {self.subspace}, and {{1}} is {self.public_batch}: they span no more; raise it",
                          ("subspace", "public_batch"))  # fmt: skip

    @property
    def rule(self) -> BoundRule:
        """Where a step's threshold comes from."""
        return self.rule_beside(self.clip_norm)
