"""Gaussian noise on sums and means: posteriors, clipped updates, clipped gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from fedasr.common.errors import UserError
from fedasr.privacy.accounting.conversion import Curve
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.mechanism import Mechanism, checked_number, gaussian_rdp_curve, ratio_of
from fedasr.privacy.mechanisms.sampled_divergence import add_remove_rdp, replace_one_rdp

THRESHOLD = "threshold"
"""The unit of a clip norm that is known before each release, and may be another in each."""


@dataclass(frozen=True)
class NoisyMean(Mechanism):
    """The mean of n teachers' posteriors plus Gaussian noise, one vector.

    Guarantee: (a, a Δ²/(2s²))-Rényi differential privacy, s the noise on the mean and Δ = √2/n under replace-one (so
    ``a/(n² s²)``), 1/n under add-remove with the fixed denominator n. Two trust models: ``"mean"``: whoever is not
    trusted sees the mean alone, wherever the noise was added; ``"each"``: they see each teacher's own noisy vector
    (noise s √n), and averaging hides nothing: n times the divergence.

    =================  ====================================
    s = 0              ε is infinite
    NaN                refused
    one teacher        both trust models are the same
    one class          the posterior is 1; still charged
    =================  ====================================

    Attributes
    ----------
    sigma : float
        Standard deviation of the noise on the *mean* (each teacher adds √n of it where noise is added there).
    teachers : int
    seen : {"mean", "each"}
        What the party that is guarded against sees.
    """

    sigma: float
    teachers: int
    seen: Literal["mean", "each"] = "mean"
    kind: ClassVar[str] = "noisy-mean"
    is_gaussian: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checked_number("sigma", self.sigma)
        checked_number("teachers", self.teachers, 1)
        if self.seen not in ("mean", "each"):
            raise UserError(f"seen = '{self.seen}': must be 'mean' or 'each'")

    def sensitivity(self, adjacency: Adjacency) -> float:
        """Return the L2 sensitivity that stands against ``sigma``."""
        one_teacher = math.sqrt(2) if adjacency == "replace-one" else 1.0
        return one_teacher / (self.teachers if self.seen == "mean" else math.sqrt(self.teachers))

    def rdp(self, orders: Curve, adjacency: Adjacency) -> Curve:
        return gaussian_rdp_curve(orders, self.sensitivity(adjacency), self.sigma)

    def multiplier(self, adjacency: Adjacency) -> float:
        """Return the noise as a multiple of the sensitivity."""
        return self.sigma / self.sensitivity(adjacency)

    def gaussian_mu(self, adjacency: Adjacency) -> float | None:
        return ratio_of(self.sensitivity(adjacency), self.sigma)


@dataclass(frozen=True)
class GaussianSum(Mechanism):
    """A sum of vectors clipped to L2 norm C plus Gaussian noise of z·C a coordinate, everyone taking part.

    Guarantee: (a, a Δ²/(2 z² C²))-Rényi differential privacy, Δ = C under add-remove, 2C under replace-one. The sum may
    be divided by any public number. Source: Mironov 2017 (arXiv 1702.07476).

    ===============  =====================================================================
    z = 0            ε is infinite
    C infinite       nothing is clipped: the sensitivity and ε are infinite
    C = 0            the sum is 0, nothing is revealed: ε = 0
    NaN              refused
    ===============  =====================================================================

    Attributes
    ----------
    noise_multiplier : float
        z.
    clip_norm : float
        C.
    clip_unit : {"", "threshold"}
        What C and the noise are multiples of: 1, or a threshold that each release has of its own.
        Nothing that is paid depends on it.
    """

    noise_multiplier: float
    clip_norm: float = 1.0
    clip_unit: str = field(default="", kw_only=True)
    kind: ClassVar[str] = "gaussian-sum"
    is_gaussian: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checked_number("noise_multiplier", self.noise_multiplier)
        checked_number("clip_norm", self.clip_norm, infinite=True)
        if self.clip_unit not in ("", THRESHOLD):
            raise UserError(f"clip_unit = '{self.clip_unit}': must be '{THRESHOLD}', or left out")

    def fields(self) -> dict[str, Any]:
        """Return the mechanism as JSON, without a unit where C is a number."""
        return {name: value for name, value in super().fields().items() if name != "clip_unit" or value}

    def sensitivity(self, adjacency: Adjacency) -> float:
        """Return the L2 sensitivity of the sum."""
        return self.clip_norm * (2.0 if adjacency == "replace-one" else 1.0)

    def multiplier(self, adjacency: Adjacency) -> float:
        """Return the noise as a multiple of the sensitivity; 0 where nothing is clipped."""
        if self.clip_norm == 0:
            return math.inf
        if math.isinf(self.clip_norm):
            return 0.0
        return self.noise_multiplier * self.clip_norm / self.sensitivity(adjacency)

    def rdp(self, orders: Curve, adjacency: Adjacency) -> Curve:
        multiplier = self.multiplier(adjacency)
        return orders * 0.0 if math.isinf(multiplier) else gaussian_rdp_curve(orders, 1.0, multiplier)

    def gaussian_mu(self, adjacency: Adjacency) -> float | None:
        multiplier = self.multiplier(adjacency)
        return math.inf if multiplier == 0 else 1 / multiplier


@dataclass(frozen=True)
class SampledGaussian(GaussianSum):
    """A `GaussianSum` over a cohort that each unit joins by an independent coin (Poisson sampling), as in DP-SGD.

    Guarantee, add-remove: ``(1−q) N(0, z²) + q N(1, z²)`` against ``N(0, z²)``, in units of C, dominates in one
    direction and the reverse in the other (Zhu, Dong and Wang 2022, arXiv 2106.08567); as Rényi divergence at integer a
    ``1/(a−1) ln Σ_k C(a,k) (1−q)^(a−k) q^k e^((k²−k)/(2z²))`` (Mironov, Talwar and Zhang 2019, arXiv 1908.10530).

    Guarantee, replace-one: the pair ``P = (1−q) N(0, z²) + q N(1, z²)``, ``Q = (1−q) N(0, z²) + q N(−1, z²)``
    dominates, the noise not halved. Proof. Given everybody else's coins and contributions, the unit's own being x or
    x', of norm at most 1, the outputs are ``(1−q) N_0 + q N_x`` and ``(1−q) N_0 + q N_x'``, shifted alike (the coins of
    the others are mixed over afterwards: joint convexity). For α ≥ 1 the hockey-stick divergence is the supremum over
    sets A of ``q N_x(A) − (α−1)(1−q) N_0(A) − αq N_x'(A)``. Let ``p = N_x(A)``. By Neyman and Pearson ``N_0(A)`` is at
    least ``Φ(Φ⁻¹(p) − 1/z)`` and ``N_x'(A)`` at least ``Φ(Φ⁻¹(p) − 2/z)``, since x is at most 1 from 0 and at most 2
    from x'. For x = 1 and x' = −1 one half-line of probability p under N_1 reaches both bounds, so no pair has more.
    For α < 1 exchange the roles: ``H_α(P‖Q) = 1 − α + α H_1/α(Q‖P)``, and the pair is its own mirror image. A pair
    that dominates at every α dominates under composition, adaptive too (Zhu, Dong and Wang 2022, Theorem 10), and in
    every Rényi divergence, which is an integral of hockey-sticks. (Where such arguments fail, arXiv 2405.20769, the
    pair depends on α or on the direction: cohorts of a fixed size; add-remove, whose directions are composed apart.)

    Amplification is charged only where cohorts are assumed to be Poisson's and are; elsewhere a release is charged as
    `unsampled`.

    ===============  ==================================================================
    z = 0            ε is infinite, unless the rate is 0
    rate 0           nobody takes part: ε = 0
    rate 1           `GaussianSum`
    C infinite       ε is infinite
    NaN              refused
    ===============  ==================================================================
    """

    rate: float = 1.0
    kind: ClassVar[str] = "sampled-gaussian"

    def __post_init__(self) -> None:
        super().__post_init__()
        checked_number("rate", self.rate)
        if self.rate > 1:
            raise UserError(f"rate = {self.rate}: must be at most 1")

    def gaussian_mu(self, adjacency: Adjacency) -> float | None:
        if self.rate == 0:
            return 0.0
        return super().gaussian_mu(adjacency) if self.rate == 1 else None

    def unsampled(self) -> SampledGaussian:
        return replace(self, rate=1.0)

    def rdp(self, orders: Curve, adjacency: Adjacency) -> Curve:
        if self.gaussian_mu(adjacency) is not None or self.unsampled().gaussian_mu(adjacency) in (0.0, math.inf):
            return super().rdp(orders, adjacency) if self.rate else orders * 0.0
        divergence = replace_one_rdp if adjacency == "replace-one" else add_remove_rdp
        return divergence(orders, self.rate, self.noise_multiplier)
