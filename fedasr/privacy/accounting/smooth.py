"""How much the data-dependent divergence of votes may change from a neighbour to the next: smooth sensitivity.

Papernot et al. 2018, section B: along every histogram's worst path of d changed votes, `local` bounds the local
sensitivity there; ``max_d e^(−βd) Σ_votes local(d)`` is then a β-smooth upper bound for the whole set of votes, since
one teacher changes at most one vote of each histogram.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri_exp

from fedasr.privacy.accounting.bounds import gaussian_bound
from fedasr.privacy.accounting.conversion import Curve
from fedasr.privacy.mechanisms.confident_max import ConfidentGNMax, ThresholdCheck
from fedasr.privacy.mechanisms.noisy_max import GNMax, Votes


@dataclass(frozen=True)
class AnswerSensitivity:
    """Local sensitivity of one GNMax answer's data-dependent divergence, as a function of ln q.

    Attributes
    ----------
    sigma : float
        In units of the largest teacher's weight.
    classes : int
    order : float
    low, high : float
        From ln q₁ to ln q₀ the sensitivity is largest: one vote more and the data-dependent bound no longer holds.
    """

    sigma: float
    classes: int
    order: float
    low: float
    high: float

    @classmethod
    def of(cls, sigma: float, classes: int, order: float) -> AnswerSensitivity | None:
        """Return it, or None where the data-dependent bound never helps or is not as smooth as the proof needs."""
        high = _last_helpful(sigma, order)
        if classes < 2 or high is None:
            return None
        high = min(high, math.log1p(-1 / classes))
        made = cls(sigma, classes, order, float(_shifted(np.array([high]), sigma, classes, 1)[0]), high)
        return made if made._rises() else None

    @property
    def plateau(self) -> float:
        """The largest local sensitivity."""
        return self.order / self.sigma**2 - float(self.divergence(np.array([self.low]))[0])

    def divergence(self, log_q: Curve) -> Curve:
        """Return the data-dependent divergence at each ln q."""
        return np.asarray(gaussian_bound(log_q, self.sigma, np.array([self.order]))[:, 0])

    def local(self, log_q: Curve) -> Curve:
        """Return a bound on the local sensitivity of histograms with these ln q (Proposition 13's B_U and B_L)."""
        here = self.divergence(log_q)
        up = self.divergence(_shifted(log_q, self.sigma, self.classes, -1))
        down = self.divergence(_shifted(log_q, self.sigma, self.classes, 1))
        inside = (self.low <= log_q) & (log_q <= self.high)
        return np.where(inside, self.plateau, np.maximum(up - here, here - down))

    def _rises(self) -> bool:
        """Whether divergence and sensitivity only grow with q up to the plateau (conditions C5 and C6), on a grid."""
        depth = np.linspace(_standard(self.low, self.classes) + 40, _standard(self.low, self.classes), 400)
        log_q = math.log(self.classes - 1) + np.asarray(log_ndtr(-depth))
        local, divergence = self.local(log_q), self.divergence(log_q)
        slack = 1e-9 * self.order / self.sigma**2
        return bool((np.diff(local) >= -slack).all() and (np.diff(divergence) >= -slack).all())


def local_sensitivities(
    mechanism: GNMax | ConfidentGNMax, votes_VC: Votes, weights: Curve | None, order: float, beta: float,
    stride: int = 1,
) -> Curve | None:  # fmt: skip
    """Return, for each distance d, the sum over votes of the largest local sensitivity within d changed votes.

    Ends at the distance from which ``e^(−βd)`` times the sum cannot grow any more. None where `AnswerSensitivity` is,
    and for weighted teachers. A ``stride`` above 1 walks in longer steps: an approximation, for planning.
    """
    answers = AnswerSensitivity.of(mechanism.sigma, votes_VC.shape[1], order)
    if answers is None or mechanism.largest_weight != 1:
        return None
    rows, counts = _distinct(votes_VC, weights)
    check = _CheckSensitivity(mechanism.check, rows, order) if isinstance(mechanism, ConfidentGNMax) else None
    ceiling = float(counts.sum()) * (answers.plateau + (check.ceiling if check else 0.0))
    path = _Path(answers, rows)
    sums: list[float] = []
    best = 0.0
    for distance in range(0, int(rows.sum(axis=1).max()) + 1, stride):
        local = path.local() + (check.local() if check else 0.0)
        sums.append(max(float(counts @ local), sums[-1] if sums else 0.0))
        best = max(best, math.exp(-beta * distance) * sums[-1])
        if math.exp(-beta * (distance + 1)) * ceiling <= best:
            break
        path.step(stride)
        if check:
            check.step(stride)
    return np.repeat(sums, stride)


def smooth_sensitivity(sums: Curve, beta: float) -> float:
    """Return ``max_d e^(−βd) sums[d]``."""
    return float(np.max(np.exp(-beta * np.arange(len(sums))) * sums))


class _Path:
    """Every histogram's path, vote by vote, towards the plateau of its local sensitivity.

    The extreme q within d votes is found greedily: from the first to the second class q rises fastest, from the
    largest of the others to the first it falls fastest, because the tail of the Gaussian is convex.
    """

    def __init__(self, answers: AnswerSensitivity, rows: Curve) -> None:
        self._answers = answers
        self._rows = -np.sort(-rows, axis=1)
        self._max = GNMax(answers.sigma)
        self._log_q = self._max.log_q(self._rows)
        self._rising = self._log_q < answers.low
        self._falling = self._log_q > answers.high
        self._local = answers.local(self._log_q)
        self._settle()

    def local(self) -> Curve:
        return self._local

    def step(self, votes: int) -> None:
        rows = self._rows
        rows[self._rising] += _first_and_second(rows.shape[1], -votes)
        stuck = self._falling & (rows[:, 1] < votes)
        self._falling &= ~stuck
        rows[self._falling] += _first_and_second(rows.shape[1], votes)
        rows[self._falling] = -np.sort(-rows[self._falling], axis=1)
        moved = np.flatnonzero(self._rising | self._falling)
        if moved.size:
            self._log_q[moved] = self._max.log_q(rows[moved])
            self._local[moved] = self._answers.local(self._log_q[moved])
        self._settle()

    def _settle(self) -> None:
        rows = self._rows
        arrived = self._rising & ((self._log_q >= self._answers.low) | (rows[:, 0] - rows[:, 1] < 2))
        arrived |= self._falling & (self._log_q <= self._answers.high)
        self._local[arrived] = self._answers.plateau
        self._rising &= ~arrived
        self._falling &= ~arrived


class _CheckSensitivity:
    """How the threshold check's divergence moves: it depends on the largest count alone."""

    def __init__(self, check: ThresholdCheck, rows: Curve, order: float) -> None:
        counts = np.arange(int(rows.sum(axis=1).max()) + 1, dtype=np.float64)
        self._at = rows.max(axis=1).astype(int)
        self._steps = _steps(check.bound(check.log_q(counts), np.array([order]))[:, 0])
        self.ceiling = float(self._steps.max())

    def local(self) -> Curve:
        return np.asarray(self._steps[self._at])

    def step(self, votes: int) -> None:
        for _ in range(votes):
            self._steps = _widened(self._steps)


def _steps(values: Curve) -> Curve:
    """Return the larger of the changes to either side."""
    changes = np.abs(np.diff(values))
    return np.asarray(np.maximum(np.append(changes, 0.0), np.insert(changes, 0, 0.0)))


def _widened(values: Curve) -> Curve:
    padded = np.pad(values, 1, mode="edge")
    return np.asarray(np.maximum(np.maximum(padded[:-2], padded[2:]), values))


def _first_and_second(classes: int, sign: int) -> Curve:
    move = np.zeros(classes)
    move[0], move[1] = sign, -sign
    return move


def _distinct(votes_VC: Votes, weights: Curve | None) -> tuple[Curve, Curve]:
    ordered: NDArray[np.float64] = -np.sort(-votes_VC, axis=1).astype(np.float64)
    rows, places = np.unique(ordered, axis=0, return_inverse=True)
    return rows, np.bincount(places.reshape(-1), weights=weights, minlength=len(rows)).astype(np.float64)


def _standard(log_q: float | Curve, classes: int) -> Curve:
    return np.asarray(-ndtri_exp(np.asarray(log_q) - math.log(classes - 1)))


def _shifted(log_q: Curve, sigma: float, classes: int, votes: int) -> Curve:
    """Return ln q after ``votes`` votes for the plurality (below 0: against it), were all other classes equal."""
    moved = _standard(log_q, classes) + votes * math.sqrt(2) / sigma
    return np.minimum(math.log(classes - 1) + np.asarray(log_ndtr(-moved)), math.log1p(-1 / classes))


def _last_helpful(sigma: float, order: float) -> float | None:
    """Return ln q₀, the largest at which the data-dependent bound is below the data-independent one."""
    orders, whole = np.array([order]), order / sigma**2

    def helps(log_q: float) -> bool:
        return bool(gaussian_bound(np.array([log_q]), sigma, orders)[0, 0] < whole * (1 - 1e-12))

    inside, outside = -1e6, -1e-6
    if not helps(inside):
        return None
    for _ in range(80):
        middle = -math.sqrt(inside * outside)
        inside, outside = (middle, outside) if helps(middle) else (inside, middle)
    return inside
