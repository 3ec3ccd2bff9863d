"""Gaussian noise on sums and means: posteriors, clipped updates, clipped gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from scipy.special import gammaln, logsumexp

from fedasr.common.errors import UserError
from fedasr.privacy.accounting.conversion import Curve
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.mechanism import Mechanism, checked_number, gaussian_rdp_curve


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
    """

    noise_multiplier: float
    clip_norm: float = 1.0
    kind: ClassVar[str] = "gaussian-sum"
    is_gaussian: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checked_number("noise_multiplier", self.noise_multiplier)
        checked_number("clip_norm", self.clip_norm, infinite=True)

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


@dataclass(frozen=True)
class SampledGaussian(GaussianSum):
    """A `GaussianSum` over a cohort that each unit joins by an independent coin (Poisson sampling), as in DP-SGD.

    Guarantee, add-remove, at integer a: ``1/(a−1) ln Σ_k C(a,k) (1−q)^(a−k) q^k e^((k²−k)/(2z²))``. Source: Mironov,
    Talwar and Zhang 2019 (arXiv 1908.10530). Replace-one doubles the sensitivity: z is halved; larger than the
    divergence of the worst pair wherever the tests integrate it, but not proven to be. Orders between integers are
    rounded up, which is sound: divergences grow with the order.

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

    def rdp(self, orders: Curve, adjacency: Adjacency) -> Curve:
        if self.rate == 0:
            return orders * 0.0
        multiplier = self.multiplier(adjacency)
        if self.rate == 1 or multiplier == 0 or math.isinf(multiplier):
            return super().rdp(orders, adjacency)
        whole, places = np.unique(np.maximum(np.ceil(orders - 1e-6), 2.0), return_inverse=True)
        return _sampled(whole, self.rate, multiplier)[places.reshape(-1)]


def _sampled(orders: Curve, rate: float, multiplier: float) -> Curve:
    chosen = np.arange(orders.max() + 1)[None, :]
    order = orders[:, None]
    left = np.maximum(order - chosen, 0.0)
    binomial = gammaln(order + 1) - gammaln(chosen + 1) - gammaln(left + 1)
    terms = binomial + left * math.log1p(-rate) + chosen * math.log(rate)
    terms = terms + (chosen**2 - chosen) / (2 * multiplier**2)
    terms = np.where(chosen <= order, terms, -np.inf)
    return np.maximum(np.asarray(logsumexp(terms, axis=1)) / (orders - 1), 0.0)
