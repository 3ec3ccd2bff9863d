"""Settings of AdaMix as an experiment gives them: the ``protection_options`` of ``protection = "adamix"``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from fedasr.common.settings import Mistake, least, number, one_of, share
from fedasr.protection.clipping.rule import BoundRule, Fixed, PublicQuantile
from fedasr.protection.dp_sgd.settings import DPSGDSettings

FIXED = "fixed"


@dataclass(frozen=True)
class AdaMixSettings(DPSGDSettings):
    """Settings of AdaMix: those of DP-SGD (`DPSGDSettings`), and what public speech does. The latter costs no privacy.

    Parameters
    ----------
    bound, quantile, public_batch, subspace, public_weight, pull
        See `fedasr.protection.adamix.protection.AdaMix`.
    """

    bound: str = one_of("public-quantile", "public-quantile", FIXED)
    quantile: float = share(0.75)
    public_batch: int = least(16, 1)
    subspace: int = least(0, 0)
    public_weight: float = number(1.0, least=0)
    pull: float = number(0.0, least=0)
    of_centre: ClassVar[tuple[str, ...]] = (*DPSGDSettings.of_centre, "pull")

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse what takes no effect, and more dimensions than there are gradients."""
        yield from super().conflicts()
        if self.bound == FIXED:
            yield from self.without_effect("quantile", unless="bound = 'public-quantile'")
        else:
            yield from self.without_effect("clip_norm", unless=f"bound = '{FIXED}'")
        if not self.needs_public:
            yield from self.without_effect("public_batch", unless="a quantile, a subspace or a public_weight")
        if self.subspace > self.public_batch:
            yield Mistake(f"{{0}} is {self.subspace}, and {{1}} is {self.public_batch}: they span no more; raise it",
                          ("subspace", "public_batch"))  # fmt: skip

    @property
    def needs_public(self) -> bool:
        """Whether a step takes public gradients."""
        return self.bound != FIXED or self.subspace > 0 or self.public_weight > 0

    @property
    def rule(self) -> BoundRule:
        """Where a step's threshold comes from."""
        return Fixed(self.clip_norm) if self.bound == FIXED else PublicQuantile(self.quantile)
