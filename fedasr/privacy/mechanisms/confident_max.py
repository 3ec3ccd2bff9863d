"""The noisy check of how far the teachers agree, and GNMax behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from fedasr.privacy.accounting.bounds import gaussian_bound
from fedasr.privacy.accounting.conversion import Curve
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.mechanism import Mechanism, checked_number, gaussian_rdp_curve, ratio_of
from fedasr.privacy.mechanisms.noisy_max import Answers, GNMax, Votes
from fedasr.privacy.mechanisms.vote_grid import VoteGrid
from fedasr.privacy.noise import Noise

ABSTAINED = -1


@dataclass(frozen=True)
class ThresholdCheck(Mechanism):
    """Whether ``max_j n_j + N(0, σ₁²) ≥ T``, one bit.

    Guarantee: (a, a Δ²/(2σ₁²))-Rényi differential privacy, Δ = w, the largest teacher's weight, under both
    adjacencies: one teacher moves the largest count by at most that. Source: Papernot et al. 2018, section 4.1.

    ===============  ========================================================
    σ₁ = 0           ε is infinite
    NaN              refused
    one teacher      accounted as any other
    one class        the count is the number of teachers, and so is known
    ===============  ========================================================
    """

    threshold: float
    sigma: float
    largest_weight: float = 1.0
    kind: ClassVar[str] = "threshold"

    def __post_init__(self) -> None:
        checked_number("threshold", self.threshold, -math.inf)
        checked_number("sigma_threshold", self.sigma)
        checked_number("largest_weight", self.largest_weight)

    def sensitivity(self, adjacency: Adjacency) -> float:
        """Return how far one teacher moves the largest count."""
        return self.largest_weight

    def rdp(self, orders: Curve, adjacency: Adjacency) -> Curve:
        return gaussian_rdp_curve(orders, self.sensitivity(adjacency), self.sigma)

    def gaussian_mu(self, adjacency: Adjacency) -> float:
        return ratio_of(self.sensitivity(adjacency), self.sigma)

    def passes(self, votes_VC: Votes, noise: Noise) -> NDArray[np.bool_]:
        """Return whether each row of votes passes the noisy check, in whole steps of a public grid (`VoteGrid`)."""
        if self.sigma == 0:
            return np.asarray(votes_VC.max(axis=1) >= self.threshold)
        grid = VoteGrid(self.sigma, self.largest_weight)
        noisy = grid.steps(votes_VC.max(axis=1)) + noise.rounded_normal(len(votes_VC), grid.places)
        return np.asarray(noisy >= grid.in_steps(self.threshold))

    def log_passing(self, largest: Curve) -> Curve:
        """Return ln of the chance that a largest count passes."""
        return np.asarray(log_ndtr(self._standard(largest)))

    def log_q(self, largest: Curve) -> Curve:
        """Return ln of the chance of the less likely outcome."""
        return np.asarray(log_ndtr(-np.abs(self._standard(largest))))

    def bound(self, log_q: Curve, orders: Curve) -> Curve:
        """Return the data-dependent divergence for each ln q and order: the Gaussian bound at √2 σ₁."""
        return gaussian_bound(log_q, math.sqrt(2) * self.sigma / self.largest_weight, orders)

    def _standard(self, largest: Curve) -> Curve:
        gap = np.asarray(largest, dtype=np.float64) - self.threshold
        return gap / self.sigma if self.sigma else np.where(gap >= 0, np.inf, -np.inf)


@dataclass(frozen=True)
class ConfidentGNMax(Mechanism):
    """A `ThresholdCheck` on every query; where it passes, a `GNMax` answer, else none.

    Guarantee: one query costs at most the check and the answer together (`rdp`). Charged apart, the check always and
    the answer only where it is given, it costs less: use ``check`` and ``answerer`` in a ledger. Source: Papernot et
    al. 2018, Algorithm 1. Edge cases: those of the two parts.
    """

    sigma: float
    threshold: float
    sigma_threshold: float
    largest_weight: float = 1.0
    kind: ClassVar[str] = "confident-gnmax"

    def __post_init__(self) -> None:
        _ = self.check, self.answerer

    @property
    def check(self) -> ThresholdCheck:
        """The check alone."""
        return ThresholdCheck(self.threshold, self.sigma_threshold, self.largest_weight)

    @property
    def answerer(self) -> GNMax:
        """The answer alone."""
        return GNMax(self.sigma, self.largest_weight)

    def sensitivity(self, adjacency: Adjacency) -> float:
        """Return the L2 sensitivity of the votes; the check's is that of `ThresholdCheck`."""
        return self.answerer.sensitivity(adjacency)

    def rdp(self, orders: Curve, adjacency: Adjacency) -> Curve:
        return self.check.rdp(orders, adjacency) + self.answerer.rdp(orders, adjacency)

    def parts(self) -> tuple[Mechanism, ...]:
        return self.check, self.answerer

    def gaussian_mu(self, adjacency: Adjacency) -> float:
        return math.hypot(self.check.gaussian_mu(adjacency), self.answerer.gaussian_mu(adjacency))

    def answer(self, votes_VC: Votes, noise: Noise) -> Answers:
        """Return the noisy plurality where the check passes, elsewhere `ABSTAINED`."""
        answers = np.full(len(votes_VC), ABSTAINED, dtype=np.int64)
        passed = self.check.passes(votes_VC, noise)
        answers[passed] = self.answerer.answer(votes_VC[passed], noise)
        return answers
