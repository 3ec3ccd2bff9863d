"""Sums with Gaussian noise, sampled: what their divergence must be."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp

from fedasr.privacy.mechanisms.gaussian import SampledGaussian

RATES = (0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99)
MULTIPLIERS = (0.5, 0.8, 1.0, 2.0, 5.0, 10.0)
ORDERS = (2, 3, 5, 9, 17, 33)


@given(st.floats(0.001, 0.99), st.floats(0.4, 20), st.sampled_from(["add-remove", "replace-one"]))
def test_orders_between_integers_cost_what_the_next_integer_costs(rate: float, z: float, adjacency: str) -> None:
    """The closed form holds at integers and divergences grow with the order: rounding down would be too cheap."""
    mechanism = SampledGaussian(z, rate=rate)
    between = mechanism.rdp(np.array([1.1, 1.9, 2.5, 2.0001, 7.01, 31.5]), adjacency)  # type: ignore[arg-type]
    above = mechanism.rdp(np.array([2.0, 2.0, 3.0, 3.0, 8.0, 32.0]), adjacency)  # type: ignore[arg-type]
    assert between.tolist() == above.tolist()


def _log_density(x: np.ndarray, z: float, rate: float, at: int) -> np.ndarray:
    """Return the log density of one coordinate where a silo's clipped change is `at` and joins at a rate."""
    here, there = (-((x - place) ** 2) / (2 * z * z) for place in (0, at))
    return np.logaddexp(math.log1p(-rate) + here, math.log(rate) + there) - math.log(z * math.sqrt(2 * math.pi))


@pytest.mark.parametrize("rate", RATES)
def test_replace_one_is_above_the_worst_pair_by_integration(rate: float) -> None:
    """Two silos of opposite changes, on a grid of noise and orders; no proof covers it, so it is looked at."""
    for z, order in itertools.product(MULTIPLIERS, ORDERS):
        x = np.linspace(-12 * z - 2 * order, 12 * z + 2 * order, 20_001)  # the integrand peaks within ±(2a − 1)
        one, other = (_log_density(x, z, rate, at) for at in (1, -1))
        log_integral = logsumexp(order * one - (order - 1) * other) + math.log(x[1] - x[0])
        bound = SampledGaussian(z, rate=rate).rdp(np.array([float(order)]), "replace-one")[0]
        assert 0 < log_integral / (order - 1) <= bound * (1 + 1e-9), (z, order)
