"""Sums with Gaussian noise, sampled: what their divergence must be."""

from __future__ import annotations

import itertools
import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp

from fedasr.privacy.mechanisms.gaussian import SampledGaussian

RATES = (0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99)
MULTIPLIERS = (0.5, 0.8, 1.0, 2.0, 5.0, 10.0)
ORDERS = (2, 3, 5, 9, 17, 33)


@given(st.floats(0.001, 0.99), st.floats(0.4, 20))
def test_orders_between_integers_cost_what_the_next_integer_costs(rate: float, z: float) -> None:
    """The closed form holds at integers and divergences grow with the order: rounding down would be too cheap."""
    mechanism = SampledGaussian(z, rate=rate)
    between = mechanism.rdp(np.array([2.5, 2.0001, 7.01, 31.5]), "add-remove")
    assert between.tolist() == mechanism.rdp(np.array([3.0, 3.0, 8.0, 32.0]), "add-remove").tolist()


@given(st.floats(0.001, 0.99), st.floats(0.2, 20), st.sampled_from(["add-remove", "replace-one"]))
def test_divergences_grow_with_the_order_from_one_on(rate: float, z: float, adjacency: Any) -> None:
    found = SampledGaussian(z, rate=rate).rdp(np.array([1.01, 1.1, 1.5, 1.9, 2.0, 3.0, 4.0]), adjacency)
    assert np.all(found[0] > 0)
    assert np.all(np.diff(found) >= -1e-9 * found[1:])


@pytest.mark.parametrize(
    ("rate", "z", "order"), [(0.01, 0.3, 1.2), (0.3, 1.0, 1.9), (0.7, 4.0, 1.1), (0.005, 0.15, 1.3)]
)
@pytest.mark.parametrize("adjacency", ["add-remove", "replace-one"])
def test_below_two_it_is_the_divergence_by_adaptive_quadrature(
    rate: float, z: float, order: float, adjacency: Any
) -> None:
    """By another route: mpmath, 30 digits, between the peaks."""
    other = 0 if adjacency == "add-remove" else -1

    def density(x: Any, centre: int) -> Any:
        return (1 - rate) * mp.npdf(x, 0, z) + rate * mp.npdf(x, centre, z)

    with mp.workdps(30):
        places = [-1 - 20 * z, -1, 0, 1, 2 * order, 2 * order + 20 * z]
        value = mp.quad(lambda x: density(x, 1) ** order * density(x, other) ** (1 - order), places)
        exact = float(mp.log(value) / (order - 1))
    found = SampledGaussian(z, rate=rate).rdp(np.array([order]), adjacency)[0]
    assert exact <= found <= exact * (1 + 1e-6) + 1e-9


def _log_density(x: np.ndarray, z: float, rate: float, at: int) -> np.ndarray:
    """Return the log density of one coordinate where a silo's clipped change is `at` and joins at a rate."""
    here, there = (-((x - place) ** 2) / (2 * z * z) for place in (0, at))
    return np.logaddexp(math.log1p(-rate) + here, math.log(rate) + there) - math.log(z * math.sqrt(2 * math.pi))


@pytest.mark.parametrize("rate", RATES)
def test_under_replace_one_no_pair_of_changes_diverges_by_more(rate: float) -> None:
    """Changes of any length and sign, on a grid of noise and orders; opposite ones reach what is charged."""
    pairs = [(1.0, -1.0), (1.0, 0.0), (0.0, -1.0), (1.0, 0.5), (0.5, -0.5), (0.3, -1.0), (1.0, -0.3)]
    for z, order in itertools.product(MULTIPLIERS, ORDERS):
        x = np.linspace(-12 * z - 2 * order, 12 * z + 2 * order, 20_001)  # the integrand peaks within ±(2a − 1)
        bound = SampledGaussian(z, rate=rate).rdp(np.array([float(order)]), "replace-one")[0]
        for pair in pairs:
            one, other = (_log_density(x, z, rate, at) for at in pair)
            found = (logsumexp(order * one - (order - 1) * other) + math.log(x[1] - x[0])) / (order - 1)
            assert found <= bound * (1 + 1e-8) + 1e-11, (z, order, pair)
            if pair == (1.0, -1.0):
                assert found >= bound * (1 - 1e-6) - 1e-9, (z, order)


@pytest.mark.parametrize("rate", [0.1, 0.6])
@pytest.mark.parametrize("z", [0.5, 1.0])
def test_under_replace_one_no_pair_in_the_plane_is_told_apart_better(rate: float, z: float) -> None:
    """Hockey-sticks of changes at any angle, by integration over the plane, against the pair that dominates."""
    axis = np.linspace(-1 - 8 * z, 1 + 8 * z, 301)
    plane, cell = np.meshgrid(axis, axis, indexing="ij"), (axis[1] - axis[0]) ** 2
    for alpha in (0.3, 1.5, 20.0):
        worst = _hockey_stick(plane, cell, (1.0, 0.0), (-1.0, 0.0), alpha, rate, z)
        for angle, length in itertools.product((0.7, 1.6, 2.6), (0.4, 1.0)):
            other = (length * math.cos(angle), length * math.sin(angle))
            for pair in (((1.0, 0.0), other), (other, (1.0, 0.0))):
                assert _hockey_stick(plane, cell, *pair, alpha, rate, z) <= worst + 1e-4, (alpha, angle, length)


def _hockey_stick(plane: Any, cell: float, one: Any, other: Any, alpha: float, rate: float, z: float) -> float:
    def density(centre: Any) -> np.ndarray:
        here, there = (
            np.exp(-((plane[0] - x) ** 2 + (plane[1] - y) ** 2) / (2 * z * z)) for x, y in ((0.0, 0.0), centre)
        )
        return ((1 - rate) * here + rate * there) / (2 * math.pi * z * z)

    return float(np.maximum(density(one) - alpha * density(other), 0).sum() * cell)
