"""A noisy upper end of a private number whose local sensitivity has a smooth bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import ndtri

from fedasr.common.errors import UserError
from fedasr.privacy.accounting.conversion import Curve
from fedasr.privacy.mechanisms.mechanism import Mechanism, checked_number


@dataclass(frozen=True)
class SmoothRelease(Mechanism):
    """Release ``U = f(D) + c σ S(D) + N(0, (σ S(D))²)``, once: an upper confidence end of the divergence f.

    S is a β-smooth upper bound of f's local sensitivity; neighbours differ by at most min(S, S') in f, and S'/S = r
    lies between e^(−β) and e^β. Seen at the scale of S, the release is N(0, σ²) against N(m, r²σ²), m at most
    ``min(1, r) + cσ|r − 1|``: the shift cσS belongs to the released statistic.

    Guarantee: the Rényi divergence of these two, largest over all such r and m and both directions,
    ``a κ²/(2σ²w) − β − ln w/(2(a − 1))`` with ``w = 1 − (a − 1)(e^(2β) − 1)`` and ``κ = 1 + cσ(e^β − 1)``, infinite
    where w is not above 0. It is taken at r = e^(−β): both its terms fall towards r = 1, and at e^β neither is
    larger. Replace-one only. The mechanism is that of Papernot et al. 2018, Theorem 23, whose charge lies below the
    divergence once aβ exceeds about a quarter; the divergence of two Gaussians: Gil, Alajaji and Linder 2013.

    ================  ==================================================================
    σ = 0             the statistic is released as it is: infinite
    S(D) = 0          nothing is added, and nothing near D differs
    β = 0             a Gaussian of sensitivity S: ``a/(2σ²)``
    one class         there is no data-dependent bound to release
    NaN               refused
    ================  ==================================================================

    Attributes
    ----------
    order : float
        At which f is the data-dependent Rényi divergence of the votes.
    beta, sigma : float
    failure : float
        The chance, over the release's noise, that U lies below f. It is a part of the δ that is printed.
    """

    order: float
    beta: float
    sigma: float
    failure: float = 1e-6
    kind: ClassVar[str] = "smooth-sensitivity"

    def __post_init__(self) -> None:
        checked_number("order", self.order, 1.0)
        checked_number("beta", self.beta)
        checked_number("sigma", self.sigma)
        if not 0 < self.failure <= 0.5:  # above a half c < 0, and κ would be too small
            raise UserError(f"failure = {self.failure}: must lie above 0 and not above 1/2, well below delta")

    @property
    def quantile(self) -> float:
        """c: how many standard deviations the upper end lies above the middle."""
        return -float(ndtri(self.failure))

    def sensitivity(self, adjacency: str) -> float:
        """Return κ: how far the centre moves, in units of the smaller smooth sensitivity of two neighbours."""
        return 1 + self.quantile * self.sigma * math.expm1(self.beta)

    def rdp(self, orders: Curve, adjacency: str) -> Curve:
        if self.sigma == 0 or adjacency != "replace-one":
            return np.full(len(orders), np.inf)
        narrower = (orders - 1) * math.expm1(2 * self.beta)
        inside = narrower < 1
        log_w = np.log1p(-np.where(inside, narrower, 0.0))
        centre = orders * (self.sensitivity(adjacency) / self.sigma) ** 2 / 2 * np.exp(-log_w)
        return np.where(inside, centre - self.beta - log_w / (2 * (orders - 1)), np.inf)
