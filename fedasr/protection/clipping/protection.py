"""Clipping without noise as a protection: ``protection = "clipping"``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from fedasr.common.settings import Mistake, least, number, one_of, share
from fedasr.protection.clipping.bounds import NO_LAYERS
from fedasr.protection.clipping.each import TakenEach
from fedasr.protection.clipping.granularity import LAYER, SILO, Cores, CutUnit, MicroBatches
from fedasr.protection.clipping.plan import ClippedGradients
from fedasr.protection.clipping.rule import BoundRule, Fixed, Least, PerLayer, PublicQuantile
from fedasr.protection.clipping.sensitivity import in_words
from fedasr.protection.clipping.silo import SiloClipping
from fedasr.protection.clipping.taking import TakenApart, TakenWhole, Taking
from fedasr.protection.gradient_plan import GradientPlan
from fedasr.protection.protection import Protection


@dataclass(frozen=True)
class Clipping(Protection):
    """Gradients of groups of a batch's utterances, cut and not noised: no ε, and nothing reaches the ledger.

    What it bounds, and what not: `fedasr.protection.clipping.sensitivity`.

    Parameters
    ----------
    granularity : str
        What is cut as one: the gradient of each ``"example"``, of each ``"micro-batch"`` of neighbours in the batch, of
        what each ``"core"`` of several would compute; of the whole batch each ``"layer"`` (array) by itself; or the
        change of a ``"silo"``'s reply, before it is encoded (`fedasr.protection.clipping.silo`).
    bound : str
        ``"fixed"``: `clip_norm`, of each array where the granularity is ``"layer"``; ``"per-layer"``: `clip_norm`
        divided among the arrays; ``"public-quantile"``: a quantile of the norms of groups of labelled public speech,
        at the start of each stretch of training (a silo's steps for a message, a pass of the centre); ``"least"``: the
        least norm of the batch's groups, which depends on private data and so bounds nothing.
    clip_norm : float
        The largest L2 norm of a group's gradient; ``inf`` cuts nothing.
    split : str
        How a bound is divided among arrays: ``"by-size"`` or ``"equal"``.
    micro_batch : int
        Utterances of a micro-batch; the last of a batch may be smaller.
    cores : int
        A number of the mathematics, never of the machine; 1 is the batch as a whole.
    quantile : float
        Of public norms.
    """

    granularity: str = one_of("example", "example", "micro-batch", "core", "layer", "silo")
    bound: str = one_of("fixed", "fixed", "per-layer", "public-quantile", "least")
    clip_norm: float = number(1.0, above=0)
    split: str = one_of("by-size", "by-size", "equal")
    micro_batch: int = least(4, 1)
    cores: int = least(2, 1)
    quantile: float = share(0.5)

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse what takes no effect."""
        for key, effective in _EFFECTIVE.items():
            setting, values = effective
            if getattr(self, setting) not in values:
                unless = " or ".join(f"{setting} = '{value}'" for value in values)
                yield from self.without_effect(key, unless=unless)
        if self.bound == "least" and self._is_single:
            yield Mistake("{0} cuts nothing of a single group; set a granularity of several", ("bound",))
        if self.granularity == "silo" and self.bound not in OF_SILOS:
            yield Mistake(f"{{0}} is one of gradients; what a silo sends is cut by {' or '.join(OF_SILOS)}", ("bound",))

    @property
    def _is_single(self) -> bool:
        return self.granularity == "layer" or (self.granularity == "core" and self.cores == 1)

    @property
    def least_batch(self) -> int:
        """Two groups, of which the least norm cuts one."""
        if self.bound != "least":
            return 1
        return 1 + (self.micro_batch if self.granularity == "micro-batch" else 1)

    @property
    def bounds_replies(self) -> bool:
        """Whether it cuts what silos send."""
        return self.granularity == "silo"

    @property
    def needs_public(self) -> bool:
        """Whether its bound comes from labelled public speech."""
        return self.bound == "public-quantile"

    def said(self, at_centre: bool) -> Mapping[str, str]:
        """Return the clip, what it bounds, and that it promises nothing."""
        unit, _ = self._unit_and_plan
        return {"clip": in_words(unit, self._rule)}

    def plan(self, private: int, public: int, steps: int) -> GradientPlan:
        """Return the same for holders of any size."""
        _, plan = self._unit_and_plan
        return plan

    @property
    def _rule(self) -> BoundRule:
        return RULES[self.bound](self)

    @property
    def _unit_and_plan(self) -> tuple[CutUnit, GradientPlan]:
        return GRANULARITIES[self.granularity](self, self._rule)


def _in_training(taking: Taking, rule: BoundRule) -> tuple[CutUnit, GradientPlan]:
    return taking.granularity.unit, ClippedGradients(taking, rule)


def _of_silos(options: Clipping, rule: BoundRule) -> tuple[CutUnit, GradientPlan]:
    return SILO, SiloClipping(options.clip_norm, OF_SILOS[options.bound](options))


def _micro_batches(options: Clipping) -> Taking:
    return TakenApart(MicroBatches(options.micro_batch)) if options.micro_batch > 1 else TakenEach()


def _cores(options: Clipping) -> Taking:
    return TakenApart(Cores(options.cores)) if options.cores > 1 else TakenWhole()


GRANULARITIES: Mapping[str, Callable[[Clipping, BoundRule], tuple[CutUnit, GradientPlan]]] = {
    "example": lambda options, rule: _in_training(TakenEach(), rule),
    "micro-batch": lambda options, rule: _in_training(_micro_batches(options), rule),
    "core": lambda options, rule: _in_training(_cores(options), rule),
    "layer": lambda options, rule: (LAYER, ClippedGradients(TakenWhole(), rule)),
    "silo": _of_silos,
}
RULES: Mapping[str, Callable[[Clipping], BoundRule]] = {
    "fixed": lambda options: Fixed(options.clip_norm, options.granularity == "layer"),
    "per-layer": lambda options: PerLayer(options.clip_norm, options.split),
    "public-quantile": lambda options: PublicQuantile(options.quantile, options.granularity == "layer"),
    "least": lambda options: Least(),
}
OF_SILOS: Mapping[str, Callable[[Clipping], str]] = {
    "fixed": lambda options: NO_LAYERS,
    "per-layer": lambda options: options.split,
}
"""How what a silo sends is divided into blocks."""
_EFFECTIVE = {
    "micro_batch": ("granularity", ("micro-batch",)),
    "cores": ("granularity", ("core",)),
    "split": ("bound", ("per-layer",)),
    "quantile": ("bound", ("public-quantile",)),
    "clip_norm": ("bound", ("fixed", "per-layer")),
}
