"""What mechanisms cost by the numbers of a ledger's line, beside what the writers charge."""

import math

import numpy as np
import pytest

from fedasr.privacy.accounting.losses import pld_epsilon
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.confident_max import ConfidentGNMax, ThresholdCheck
from fedasr.privacy.mechanisms.gaussian import GaussianSum, NoisyMean, SampledGaussian
from fedasr.privacy.mechanisms.mechanism import Mechanism
from fedasr.privacy.mechanisms.noisy_max import GNMax, LNMax
from fedasr.verification.costs import bounds, charged, costs_of

ORDERS = np.array([2.0, 7.0])
MECHANISMS = (
    GNMax(3.0, 0.5), LNMax(4.0), ThresholdCheck(5.0, 2.0, 0.7), ConfidentGNMax(3.0, 5.0, 2.0), NoisyMean(0.1, 7),
    NoisyMean(0.1, 7, "each"), GaussianSum(1.3, 0.2), SampledGaussian(1.3, 0.2, 1.0), SampledGaussian(1.3, 0.2, 0.0),
    GaussianSum(1.3, 0.0),
)  # fmt: skip


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda mechanism: mechanism.kind)
@pytest.mark.parametrize("adjacency", ["replace-one", "add-remove"])
def test_a_release_costs_what_it_is_charged(mechanism: Mechanism, adjacency: str) -> None:
    found = np.zeros(2)
    for cost in costs_of(mechanism.fields(), adjacency == "replace-one"):
        pure = np.minimum(cost.pure**2 * ORDERS / 2, cost.pure)
        found += pure if cost.mu is None else ORDERS * cost.mu**2 / 2
    assert found == pytest.approx(mechanism.rdp(ORDERS, adjacency), rel=1e-12)  # type: ignore[arg-type]


def test_all_bounds_of_like_releases_are_told_by_name() -> None:
    votes = [({"kind": "gnmax", "sigma": 41.25, "largest_weight": 1.0}, 2361)]
    found = bounds(votes, 1e-5, "replace-one")
    assert set(found) == {"exact", "rdp"}
    assert found["exact"][0] == pytest.approx(8.0, abs=2e-3)  # σ is known to half of its fourth digit
    assert found["exact"][1] < found["rdp"][0]
    laplace = bounds([({"kind": "lnmax", "scale": 20.0, "largest_weight": 1.0}, 3)], 1e-5, "replace-one")
    assert laplace["pure"][0] == pytest.approx(0.3, rel=2e-6)
    assert "exact" not in laplace


def test_nothing_bounds_what_has_no_noise() -> None:
    assert bounds([({"kind": "gaussian-sum", "noise_multiplier": 0.0, "clip_norm": 1.0}, 1)], 1e-5, "add-remove") == {}


def test_sampled_sums_of_the_case_cost_what_is_known_of_them() -> None:
    sums = [({"kind": "sampled-gaussian", "noise_multiplier": 1.0, "clip_norm": 1.0, "rate": 0.1}, 10)]
    low, high = bounds(sums, 1e-5, "replace-one")["pld"]
    assert low < 3.434 + 5e-4
    assert high > 3.434


@pytest.mark.parametrize("delta", [1e-5, 1e-8, 1e-9, 8.1e-10])
def test_what_rounding_may_take_from_delta_is_taken_here_too(delta: float) -> None:
    step = SampledGaussian(3.0, 1.0, 0.2)
    low, high = bounds([(step.fields(), 100)], delta, "replace-one")["pld"]
    assert low < pld_epsilon([(step, 100)], delta, "replace-one") < high
    assert "pld" not in bounds([(step.fields(), 100)], 7.9e-10, "replace-one")


@pytest.mark.parametrize(("rate", "noise", "rounds"), [(0.75, 1.0695, 2), (0.9, 0.5, 2), (0.75, 2.0, 1), (0.5, 1.0, 3)])
@pytest.mark.parametrize("adjacency", ["replace-one", "add-remove"])
def test_few_rounds_that_nearly_all_join_cost_what_is_charged(
    rate: float, noise: float, rounds: int, adjacency: Adjacency
) -> None:  # fmt: skip
    """The writer is within a millionth of the truth there, and the grid of losses here adds two."""
    sums = SampledGaussian(noise, 1.0, rate)
    low, high = bounds([(sums.fields(), rounds)], 1e-5, adjacency)["pld"]
    assert low < pld_epsilon([(sums, rounds)], 1e-5, adjacency) < high


def test_sampling_that_was_not_done_amplifies_nothing() -> None:
    line = {
        "mechanism": {"kind": "sampled-gaussian", "noise_multiplier": 1.0, "clip_norm": 1.0, "rate": 0.1},
        "sampling_assumed": "all", "sampling_used": "all",
    }  # fmt: skip
    assert charged(line)["rate"] == 1.0
    assert charged({**line, "sampling_assumed": "poisson", "sampling_used": "poisson"})["rate"] == 0.1


def test_a_mechanism_that_is_not_known_is_no_guess() -> None:
    with pytest.raises(ValueError, match="'cauchy' is not known"):
        costs_of({"kind": "cauchy"}, replace_one=True)


def test_allowances_stand_for_all_that_they_let_through() -> None:
    assert bounds([({"kind": "pure-budget", "epsilon": 2.0}, 1)], 1e-5, "replace-one")["pure"][0] < 2.0
    gaussian = bounds([({"kind": "gaussian-budget", "mu": 1.666}, 1)], 1e-5, "replace-one")["exact"]
    assert gaussian[0] == pytest.approx(8.0, abs=2e-3)
    renyi = bounds([({"kind": "renyi-budget", "order": 4.5, "divergence": 1.0}, 1)], 1e-5, "replace-one")["rdp"]
    assert renyi[1] == pytest.approx(1 + math.log(1e5) / 3.5, rel=2e-6)


def test_little_noise_is_best_accounted_for_near_order_one() -> None:
    low, high = bounds([({"kind": "gaussian-budget", "mu": 1e3}, 1)], 1e-5, "replace-one")["rdp"]
    best = 5e5 + 1e3 * math.sqrt(2 * math.log(1e5))  # at 1 + √(2 ln(1/δ))/μ
    assert low == pytest.approx(best, rel=2e-6)
    assert high > 1.9 * low
