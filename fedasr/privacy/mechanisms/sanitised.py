"""The one release of a data-dependent divergence that may be printed: what it promises, and what it does not.

A data-dependent divergence bounds how far the answers of *these* votes lie from those of any neighbour. It says nothing
of the way back: the divergence from a neighbour to these votes may be hundreds of times larger. So a sanitised ε holds
in one direction, and for queries that were fixed before the first answer. It holds with the whole δ: a tenth of δ is
the chance that the released end lies below the truth, the rest is what the conversion is given.

All that leaves the private numbers is the noisy end in whole steps of a public grid (`_noisy_end`): what is printed is
made of that and of public numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from fedasr.privacy.accounting.conversion import ORDERS, Conversion, epsilon_at, epsilon_of
from fedasr.privacy.accounting.proven import epsilon_by
from fedasr.privacy.accounting.smooth import local_sensitivities, smooth_sensitivity
from fedasr.privacy.accounting.vote_costs import spent_on
from fedasr.privacy.mechanisms.confident_max import ConfidentGNMax
from fedasr.privacy.mechanisms.noisy_max import GNMax, Votes
from fedasr.privacy.mechanisms.smooth_release import SmoothRelease
from fedasr.privacy.noise import FINE_PLACES, Noise

SanitisedVoting = GNMax | ConfidentGNMax
FAILURE_SHARE = 0.1
"""Of δ: the chance that a released end lies below the divergence that it stands for."""
END_PLACES = 10
"""Binary places of a released end: a thousandth, far coarser than what the noise's own steps are worth."""
_CANDIDATE_ORDERS = (2.0, 3.0, 4.0, 6.0, 9.0, 14.0, 20.0, 32.0)
_CANDIDATE_BETAS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4)  # times 1/order; near a half the release costs without end
_CANDIDATE_NOISES = tuple(np.geomspace(2.0, 400.0, 16))


@dataclass(frozen=True)
class Statistic:
    """What a release is made from. Private: never print it."""

    divergence: float
    smooth: float


@dataclass(frozen=True)
class Sanitised:
    """A released upper end, and the ε that may be printed.

    Attributes
    ----------
    mechanism : SmoothRelease or None
        None where nothing was released, because public numbers alone show that it would not have helped.
    upper : float or None
        The released divergence at ``mechanism.order``, in whole steps of 2⁻¹⁰.
    epsilon : float
        Of the votes and the release together.
    kind : str
        ``"sanitised"``, or ``"data-independent"`` where that is the smaller.
    """

    mechanism: SmoothRelease | None
    upper: float | None
    epsilon: float
    kind: str


def plan_release(
    mechanism: SanitisedVoting, queries: int, teachers: int, classes: int, delta: float,
    conversion: Conversion = "classic", agreement: float = 0.9,
) -> SmoothRelease | None:  # fmt: skip
    """Choose order, β and σ from public numbers alone, for votes of which we guess how far they agree.

    Returns None where even then the release would print no smaller ε than the data-independent one.
    """
    if mechanism.sigma == 0 or classes < 2 or 0 in (queries, teachers):
        return None
    if isinstance(mechanism, ConfidentGNMax) and mechanism.sigma_threshold == 0:
        return None
    agreed, stride = round(agreement * teachers), max(1, teachers // 125)
    guess, weight = np.array([[agreed, teachers - agreed] + [0] * (classes - 2)]), np.array([float(queries)])
    best, chosen = epsilon_by(conversion, [(mechanism, queries)], delta, "replace-one"), None
    for order in _CANDIDATE_ORDERS:
        sums = local_sensitivities(mechanism, guess, weight, order, _CANDIDATE_BETAS[0] / order, stride)
        if sums is None:
            continue
        divergence = queries * _divergence(mechanism, guess, order)
        for share in _CANDIDATE_BETAS:
            for sigma in _CANDIDATE_NOISES:
                candidate = SmoothRelease(order, share / order, float(sigma), FAILURE_SHARE * delta)
                statistic = Statistic(divergence, smooth_sensitivity(sums, candidate.beta))
                epsilon = _epsilon(candidate, _rounded_up(candidate, statistic, Fraction(0)), delta, conversion)
                if epsilon < best:
                    best, chosen = epsilon, candidate
    return chosen


def statistic_of(mechanism: SanitisedVoting, votes_VC: Votes, plan: SmoothRelease) -> Statistic | None:
    """Return the divergence of the votes at the plan's order and its smooth sensitivity."""
    sums = local_sensitivities(mechanism, votes_VC, None, plan.order, plan.beta)
    if sums is None:
        return None
    return Statistic(_divergence(mechanism, votes_VC, plan.order), smooth_sensitivity(sums, plan.beta))


def release(
    mechanism: SanitisedVoting, queries: int, statistic: Statistic, plan: SmoothRelease, delta: float,
    noise: Noise, conversion: Conversion = "classic",
) -> Sanitised:  # fmt: skip
    """Draw the noise and return what may be printed. Once: a second draw is a second release.

    Both ε are taken at δ less the chance of failure, so that the smaller of them holds at δ, chosen as it is after the
    draw.
    """
    upper = _noisy_end(plan, statistic, noise)
    worst = queries * mechanism.rdp(ORDERS, "replace-one") + plan.rdp(ORDERS, "replace-one")
    independent = epsilon_of(ORDERS, worst, delta - plan.failure, conversion)
    sanitised = _epsilon(plan, upper, delta, conversion)
    if sanitised < independent:
        return Sanitised(plan, upper, sanitised, "sanitised")
    return Sanitised(plan, upper, independent, "data-independent")


def sanitise(
    mechanism: SanitisedVoting, votes_VC: Votes, delta: float, noise: Noise, conversion: Conversion = "classic",
    agreement: float = 0.9,
) -> Sanitised:  # fmt: skip
    """Plan from public numbers, release once, and return the ε that may be printed."""
    queries, classes = votes_VC.shape
    teachers = int(votes_VC.sum(axis=1).max())
    plan = plan_release(mechanism, queries, teachers, classes, delta, conversion, agreement)
    statistic = statistic_of(mechanism, votes_VC, plan) if plan else None
    if plan is None or statistic is None:
        independent = epsilon_by(conversion, [(mechanism, queries)], delta, "replace-one")
        return Sanitised(None, None, independent, "data-independent")
    return release(mechanism, queries, statistic, plan, delta, noise, conversion)


def _divergence(mechanism: SanitisedVoting, votes_VC: Votes, order: float) -> float:
    spent = spent_on(mechanism, votes_VC, "replace-one", np.array([order])).total.data_dependent
    assert spent is not None
    return float(spent[0])


def _noisy_end(plan: SmoothRelease, statistic: Statistic, noise: Noise) -> float:
    """Draw the noise and return the end, rounded up: the real mechanism's, rounded.

    The standard Gaussian is drawn exactly, rounded to 2⁻⁴⁰, and the rest is done in fractions. Its steps are worth a
    private σS each, so they must not show: where one of them does not decide which end is reached (a chance of about
    2⁻³⁰ σS), 64 more bits say where within it the Gaussian lies, each place alike. There its density changes by 2⁻⁴⁰ of
    itself, about, so that no set of ends has a chance that is off by more than 2⁻⁶⁰ for σS up to 1,000. What float64
    loses of f and S remains: some 2⁻⁵⁰ of them, by which neighbours' may lie further apart than is charged.
    """
    nearest = Fraction(int(noise.rounded_normal(1, FINE_PLACES)[0]))
    least = nearest - Fraction(1, 2)
    lowest, highest = _rounded_up(plan, statistic, least), _rounded_up(plan, statistic, least + 1)
    if lowest == highest:
        return lowest
    return _rounded_up(plan, statistic, least + Fraction(2 * int(noise.words(1)[0]) + 1, 2**65))


def _rounded_up(plan: SmoothRelease, statistic: Statistic, draw: Fraction) -> float:
    """Return the end that a draw (in 2⁻⁴⁰) gives, rounded up to the public grid, so that it stays an upper end."""
    scale = Fraction(plan.sigma) * Fraction(statistic.smooth)
    end = Fraction(statistic.divergence) + scale * (Fraction(plan.quantile) + draw / 2**FINE_PLACES)
    return math.ldexp(math.ceil(end * 2**END_PLACES), -END_PLACES)


def _epsilon(plan: SmoothRelease, upper: float, delta: float, conversion: Conversion) -> float:
    orders = np.array([plan.order])
    total = max(upper, 0.0) + plan.rdp(orders, "replace-one")
    return float(epsilon_at(orders, total, delta - plan.failure, conversion)[0])
