"""What public speech does for private training, as an experiment gives it: it costs no privacy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fedasr.common.settings import Mistake, Settings, least, number, one_of, share
from fedasr.protection.clipping.rule import BoundRule, Fixed, PublicQuantile

FIXED = "fixed"


@dataclass(frozen=True)
class MixingSettings(Settings):
    """Where a threshold comes from, and how noisy and public directions are mixed; beside a setting ``clip_norm``.

    Parameters
    ----------
    bound, quantile, subspace, public_weight, pull
        See `fedasr.protection.adamix.protection.AdaMix`.
    """

    bound: str = one_of("public-quantile", "public-quantile", FIXED)
    quantile: float = share(0.75)
    subspace: int = least(0, 0)
    public_weight: float = number(1.0, least=0)
    pull: float = number(0.0, least=0)

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse what takes no effect."""
        yield from super().conflicts()
        if self.bound == FIXED:
            yield from self.without_effect("quantile", unless="bound = 'public-quantile'")
        else:
            yield from self.without_effect("clip_norm", unless=f"bound = '{FIXED}'")

    @property
    def needs_public(self) -> bool:
        """Whether a step takes something of public speech."""
        return self.bound != FIXED or self.subspace > 0 or self.public_weight > 0

    def rule_beside(self, clip_norm: float) -> BoundRule:
        """Return where a step's threshold comes from."""
        return Fixed(clip_norm) if self.bound == FIXED else PublicQuantile(self.quantile)
