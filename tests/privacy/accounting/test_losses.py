"""What the rounding of composed privacy-loss distributions may take from δ is charged."""

from __future__ import annotations

import math

import pytest

from fedasr.privacy.accounting.calibration import Target, noise_for
from fedasr.privacy.accounting.conversion import ORDERS, epsilon_of
from fedasr.privacy.accounting.exact import gaussian_epsilon
from fedasr.privacy.accounting.losses import pld_epsilon
from fedasr.privacy.accounting.proven import proven_bounds
from fedasr.privacy.mechanisms.gaussian import GaussianSum, SampledGaussian

NEARLY_ALL = 1 - 1e-13
"""A rate at which the transforms are taken, and the Gaussian without sampling is known exactly."""


@pytest.mark.parametrize(
    ("z", "count", "delta", "is_told"),
    [
        (20.0, 1_000, 1e-8, True), (50.0, 10_000, 1e-7, True), (300.0, 100_000, 1e-6, True),
        (300.0, 1_000_000, 1e-5, True), (50.0, 10_000, 1e-12, False), (300.0, 100_000, 1e-10, False),
        (300.0, 1_000_000, 1e-12, False), (50.0, 1, 7.9e-12, False), (50.0, 1, 8.1e-12, True),
    ],
)  # fmt: skip
def test_rounding_never_takes_a_bound_below_the_truth(z: float, count: int, delta: float, is_told: bool) -> None:
    """35.380 was told of (50, 10,000, 1e-12), and exact is 35.562; 64.8 of a million at z = 300, and exact is 68.4."""
    found = pld_epsilon([(SampledGaussian(z, rate=NEARLY_ALL), count)], delta, "replace-one")
    assert math.isfinite(found) == is_told
    assert found >= gaussian_epsilon(2 * math.sqrt(count) / z, delta)


def test_all_releases_of_all_mechanisms_are_charged() -> None:
    step, whole = SampledGaussian(5.0, rate=0.1), GaussianSum(9.0)
    both = [(step, 60), (whole, 60)]
    assert math.isfinite(pld_epsilon(both, 8 * 121e-12, "add-remove"))
    assert pld_epsilon(both, 8 * 119e-12, "add-remove") == math.inf
    assert set(proven_bounds(both, 8 * 119e-12, "add-remove")) == {"rdp"}


def test_noise_is_planned_where_rounding_leaves_no_distribution() -> None:
    """By Rényi divergences, as with another conversion."""
    target = Target(3.0, 1e-10, "add-remove")
    noise = noise_for("sampled-gaussian", 1000, 3.0, 1e-10, "add-remove", rate=0.01)
    step = SampledGaussian(noise, rate=0.01)
    rdp = epsilon_of(ORDERS, 1000 * step.rdp(ORDERS, "add-remove"), 1e-10)
    assert target.epsilon_of(step, 1000) == pytest.approx(rdp)
    assert 3.0 * (1 - 1e-3) <= rdp <= 3.0
