"""GNMax and LNMax: the noisy plurality of teachers' votes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from fedasr.privacy.accounting.bounds import gaussian_bound, laplace_bound
from fedasr.privacy.accounting.conversion import Curve
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.mechanism import Mechanism, checked_number, gaussian_rdp_curve, ratio_of
from fedasr.privacy.mechanisms.vote_grid import VoteGrid
from fedasr.privacy.noise import Noise

Votes = NDArray[np.integer] | NDArray[np.floating]
Answers = NDArray[np.int64]
VOTES_AT_ONCE = 8192


class NoisyMax(Mechanism):
    """What GNMax and LNMax share."""

    largest_weight: float

    def answer(self, votes_VC: Votes, noise: Noise) -> Answers:
        """Return the class with the most votes after noise, for each row of votes.

        Votes and noise are whole steps of a public grid (`VoteGrid`), so that the answer is one of the real mechanism's
        with its noise rounded; of classes with equally many the first.
        """
        if self.noise_scale == 0:
            return np.asarray(np.argmax(votes_VC, axis=1))
        grid = VoteGrid(self.noise_scale, self.largest_weight)
        blocks = [grid.steps(votes_VC[at : at + VOTES_AT_ONCE]) for at in range(0, len(votes_VC), VOTES_AT_ONCE)]
        noisy = (block + self.draw(noise, block.shape, grid.places) for block in blocks)
        return np.concatenate([np.zeros(0, int), *(np.argmax(block, axis=1) for block in noisy)])

    def log_q(self, votes_VC: Votes) -> Curve:
        """Return, for each row of votes, ln of a bound on the chance that the answer is not the plurality.

        As published: of the mechanism without a grid. `answer` counts a vote 2⁻¹⁵ less and rounds down, so that a gap
        of n votes is n(1 − 2⁻¹⁵) less two steps of at most 2⁻¹⁶, and the chance is larger: for GNMax by a thousandth
        where it is 10⁻⁸, a fortieth where it is 10⁻¹⁷⁵. What is made of it by `bound` is larger by no more than that
        where it was computed, and no guarantee.
        """
        blocks = [votes_VC[at : at + VOTES_AT_ONCE] for at in range(0, len(votes_VC), VOTES_AT_ONCE)]
        return np.concatenate([self._log_q(b) for b in blocks] or [np.zeros(0)])

    def _log_q(self, votes_VC: Votes) -> Curve:
        classes = votes_VC.shape[1]
        if classes == 1:
            return np.full(len(votes_VC), -np.inf)
        top = np.argmax(votes_VC, axis=1)[:, None]
        gaps = (np.take_along_axis(votes_VC, top, axis=1) - votes_VC).astype(np.float64)
        beaten = self.log_beaten(gaps)
        np.put_along_axis(beaten, top, -np.inf, axis=1)
        largest = beaten.max(axis=1)
        shift = np.where(np.isneginf(largest), 0.0, largest)
        with np.errstate(divide="ignore"):
            total = shift + np.log(np.exp(beaten - shift[:, None]).sum(axis=1))
        return np.asarray(np.minimum(total, math.log1p(-1 / classes)))

    @property
    def noise_scale(self) -> float:
        """The scale of the noise, in votes."""
        raise NotImplementedError

    def draw(self, noise: Noise, shape: tuple[int, ...], places: int) -> NDArray[np.int64]:
        """Return the noise that is added to a block of votes, in whole multiples of its scale times 2^−places."""
        raise NotImplementedError

    def log_beaten(self, gaps: Curve) -> Curve:
        """Return ln of the chance that a class behind by ``gaps`` votes overtakes the plurality."""
        raise NotImplementedError

    def bound(self, log_q: Curve, orders: Curve) -> Curve:
        """Return the data-dependent divergence (replace-one) for each ln q and order."""
        raise NotImplementedError


@dataclass(frozen=True)
class GNMax(NoisyMax):
    """``argmax_j n_j + N(0, σ²)``, one answer.

    Guarantee: (a, a Δ²/(2σ²))-Rényi differential privacy for the unit that one teacher is trained on, Δ the L2
    sensitivity of the histogram: √2 w under replace-one, w under add-remove, w the largest teacher's weight. Source:
    Papernot et al. 2018 (arXiv 1802.08908), Proposition 8; for known votes Theorem 6.

    ==================  ==================================================================
    σ = 0               ε is infinite
    σ or weight is NaN  refused
    weight infinite     refused: one teacher would decide every answer
    one teacher         accounted as any other: its vote is hidden by the noise alone
    one class           the answer is known: data-dependent 0, data-independent unchanged
    ==================  ==================================================================

    Attributes
    ----------
    sigma : float
        Standard deviation, in votes.
    largest_weight : float
        The most that one teacher counts; weights must be public.
    """

    sigma: float
    largest_weight: float = 1.0
    kind: ClassVar[str] = "gnmax"

    def __post_init__(self) -> None:
        checked_number("sigma", self.sigma)
        checked_number("largest_weight", self.largest_weight)

    def sensitivity(self, adjacency: Adjacency) -> float:
        """Return the L2 sensitivity of the votes."""
        return self.largest_weight * (math.sqrt(2) if adjacency == "replace-one" else 1.0)

    def rdp(self, orders: Curve, adjacency: Adjacency) -> Curve:
        return gaussian_rdp_curve(orders, self.sensitivity(adjacency), self.sigma)

    def gaussian_mu(self, adjacency: Adjacency) -> float:
        return ratio_of(self.sensitivity(adjacency), self.sigma)

    @property
    def noise_scale(self) -> float:
        return self.sigma

    def draw(self, noise: Noise, shape: tuple[int, ...], places: int) -> NDArray[np.int64]:
        return noise.rounded_normal(shape, places)

    def log_beaten(self, gaps: Curve) -> Curve:
        if self.sigma == 0:
            return np.where(gaps > 0, -np.inf, -math.log(2))
        return np.asarray(log_ndtr(-gaps / (math.sqrt(2) * self.sigma)))

    def bound(self, log_q: Curve, orders: Curve) -> Curve:
        return gaussian_bound(log_q, self.sigma / self.largest_weight, orders)


@dataclass(frozen=True)
class LNMax(NoisyMax):
    """``argmax_j n_j + Lap(λ)``, one answer.

    Guarantee: pure ε₀ = Δ/λ, Δ the L1 sensitivity of the histogram: 2 w under replace-one, w under add-remove; as
    Rényi divergence ``min(ε₀² a/2, ε₀)``. Source: Papernot et al. 2017 (arXiv 1610.05755); for known votes Theorem 3.

    ==================  ==================================================================
    λ = 0               ε is infinite
    λ or weight is NaN  refused
    one teacher         accounted as any other
    one class           the answer is known: data-dependent 0, data-independent unchanged
    ==================  ==================================================================

    Attributes
    ----------
    scale : float
        λ, in votes (1/γ of the source).
    largest_weight : float
        The most that one teacher counts; weights must be public.
    """

    scale: float
    largest_weight: float = 1.0
    kind: ClassVar[str] = "lnmax"

    def __post_init__(self) -> None:
        checked_number("scale", self.scale)
        checked_number("largest_weight", self.largest_weight)

    def sensitivity(self, adjacency: Adjacency) -> float:
        """Return the L1 sensitivity of the votes."""
        return self.largest_weight * (2.0 if adjacency == "replace-one" else 1.0)

    def pure_epsilon(self, adjacency: Adjacency) -> float:
        """Return ε₀ of one answer."""
        return self.sensitivity(adjacency) / self.scale if self.scale else math.inf

    def rdp(self, orders: Curve, adjacency: Adjacency) -> Curve:
        pure = self.pure_epsilon(adjacency)
        return np.minimum(pure**2 * orders / 2, pure)

    @property
    def noise_scale(self) -> float:
        return self.scale

    def draw(self, noise: Noise, shape: tuple[int, ...], places: int) -> NDArray[np.int64]:
        return noise.rounded_laplace(shape, places)

    def log_beaten(self, gaps: Curve) -> Curve:
        if self.scale == 0:
            return np.where(gaps > 0, -np.inf, -math.log(2))
        scaled = gaps / self.scale
        return np.log(2 + scaled) - math.log(4) - scaled

    def bound(self, log_q: Curve, orders: Curve) -> Curve:
        return laplace_bound(log_q, self.pure_epsilon("replace-one"), orders)
