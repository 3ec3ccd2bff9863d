"""What silo-noise promises, checked without its accountant: the law of a small round is written out and integrated."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logsumexp

from fedasr.privacy.accounting.losses import pld_epsilon
from fedasr.privacy.adjacency import Adjacency
from fedasr.protection.silo_noise.plan import SiloNoisePlan

Values = NDArray[np.float64]
DELTA = 1e-3
CLIP = 0.7


def _plan(multiplier: float, rate: float, adjacency: Adjacency = "add-remove") -> SiloNoisePlan:
    return SiloNoisePlan(multiplier, CLIP, rate, DELTA, adjacency, 2)


def _log_density(at: Values, changes: tuple[float, ...], plan: SiloNoisePlan) -> Values:
    """Return the log-density of what a round publishes of silos with these changes, all cohorts summed over."""
    deviation = plan.noise_multiplier * plan.clip_norm
    clipped = [max(-plan.clip_norm, min(plan.clip_norm, change)) for change in changes]
    terms = []
    for coins in itertools.product((0, 1), repeat=len(clipped)):
        share = np.prod([plan.rate if coin else 1 - plan.rate for coin in coins])
        if share:
            centre = float(np.dot(coins, clipped)) if coins else 0.0
            terms.append(np.log(share) - (((at - centre) / deviation) ** 2) / 2)
    total: Values = logsumexp(terms, axis=0) - np.log(deviation * np.sqrt(2 * np.pi))
    return total


def _density(at: Values, changes: tuple[float, ...], plan: SiloNoisePlan) -> Values:
    return np.exp(_log_density(at, changes, plan))


def _line(plan: SiloNoisePlan) -> tuple[Values, float]:
    """Return points that hold all of the mass, tilted to the order 8 too, and their distance."""
    width = 12 * plan.noise_multiplier * CLIP + 12 * CLIP
    at = np.linspace(-width, width, 40_001)
    return at, at[1] - at[0]


@pytest.mark.parametrize(("multiplier", "rate"), [(0.8, 0.3), (1.5, 0.05), (2.0, 1.0), (0.6, 0.9)])
@pytest.mark.parametrize("others", [(), (0.2,), (-5.0, 0.7)])
def test_a_silo_more_diverges_by_no_more_than_is_charged(
    multiplier: float, rate: float, others: tuple[float, ...]
) -> None:
    """A silo more, whatever it says: Rényi's divergence in both directions."""
    plan, orders = _plan(multiplier, rate), np.array([2.0, 3.0, 8.0])
    charged = plan.guarantee.mechanism.rdp(orders, "add-remove")
    at, step = _line(plan)
    without = _log_density(at, others, plan)
    worst = np.zeros_like(orders)
    for said in (0.3, CLIP, -CLIP, 100.0):
        with_it = _log_density(at, (*others, said), plan)
        for one, other in ((with_it, without), (without, with_it)):
            exact = [(logsumexp(a * one + (1 - a) * other) + np.log(step)) / (a - 1) for a in orders]
            worst = np.maximum(worst, exact)
    # A sum over forty thousand points of a smooth density is exact but for rounding.
    assert (worst <= charged * (1 + 1e-6) + 1e-9).all()
    if not others:
        np.testing.assert_allclose(worst, charged, rtol=1e-5)


@pytest.mark.parametrize(("multiplier", "rate"), [(1.5, 0.3), (2.0, 1.0), (3.0, 0.6)])
@pytest.mark.parametrize("pair", [(CLIP, -CLIP), (CLIP, 0.0), (99.0, -0.1)])
def test_another_silo_in_its_place_is_told_apart_no_better_than_is_charged(
    multiplier: float, rate: float, pair: tuple[float, float]
) -> None:
    plan = _plan(multiplier, rate, "replace-one")
    epsilon = pld_epsilon([(plan.mechanism, 1)], DELTA, "replace-one")
    at, step = _line(plan)
    one, other = (_density(at, (0.4, said), plan) for said in pair)
    for p, q in ((one, other), (other, one)):
        assert np.sum(np.maximum(p - np.exp(epsilon) * q, 0)) * step <= DELTA * (1 + 1e-6)


@pytest.mark.parametrize("later", [(CLIP, -CLIP), (0.0, CLIP), (CLIP, CLIP)])
def test_what_a_silo_keeps_between_rounds_costs_no_more(later: tuple[float, float]) -> None:
    """Its change in the second round depends on whether it took part in the first, as a codec's residual does."""
    plan = _plan(1.1, 0.4)
    epsilon = pld_epsilon([(plan.mechanism, 2)], DELTA, "add-remove")
    deviation = plan.noise_multiplier * CLIP
    at = np.linspace(-8, 8, 1601)
    cell = (at[1] - at[0]) ** 2

    def bell(centre: float) -> Values:
        return np.exp(-(((at - centre) / deviation) ** 2) / 2) / (deviation * np.sqrt(2 * np.pi))

    without = np.outer(bell(0), bell(0))
    with_it = np.zeros_like(without)
    for first, second in itertools.product((0, 1), repeat=2):
        share = np.prod([plan.rate if coin else 1 - plan.rate for coin in (first, second)])
        with_it += share * np.outer(bell(first * CLIP), bell(second * later[first]))
    for p, q in ((with_it, without), (without, with_it)):
        assert np.sum(np.maximum(p - np.exp(epsilon) * q, 0)) * cell <= DELTA * (1 + 1e-6)
