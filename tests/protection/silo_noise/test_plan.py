"""The plan of silo-noise: coins, noise, what a sum is divided by, and which strategies may draw silos themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.tolerance import of_a_deviation, of_a_mean

from fedasr.common.errors import RowError, UserError
from fedasr.privacy.accounting.calibration import noise_for
from fedasr.privacy.accounting.promise import Promise
from fedasr.privacy.noise import ReproducibleNoise
from fedasr.privacy.noise_grid import NoiseGrid
from fedasr.protection.none import Unprotected
from fedasr.protection.protection import build_protection
from fedasr.protection.silo_noise.plan import SiloNoisePlan
from fedasr.protection.silo_noise.protection import SiloNoise

PLAN = SiloNoisePlan(1.5, 2.0, 0.3, 1e-5, "add-remove", 9)


def test_each_silo_tosses_a_coin_of_its_own() -> None:
    silos, rounds = 40, 2000
    noise = ReproducibleNoise(3)
    came = np.zeros((rounds, silos))
    for round in range(rounds):
        came[round, PLAN.cohort(range(silos), noise)] = 1
    share = np.sqrt(PLAN.rate * (1 - PLAN.rate))
    assert abs(came.mean() - PLAN.rate) < of_a_mean(share, came.size)
    # Of independent coins the numbers that come are binomial, and no two silos come together more often than apart.
    assert came.sum(axis=1).std() == pytest.approx(share * np.sqrt(silos), rel=of_a_deviation(rounds))
    together = np.corrcoef(came.T)[np.triu_indices(silos, 1)]
    assert np.abs(together).max() < 6 / np.sqrt(rounds)


def test_at_rate_one_everybody_comes() -> None:
    everybody = SiloNoisePlan(1.0, 1.0, 1.0, 1e-5, "replace-one", 9)
    assert everybody.cohort([3, 5, 9], ReproducibleNoise(1)) == [3, 5, 9]
    assert PLAN.cohort([], ReproducibleNoise(1)) == []


def test_noise_is_added_once_to_every_value_of_the_sum() -> None:
    total = {"a": np.full((100, 200), 7.0), "b/c": np.zeros(()), "d": np.zeros(5000)}
    grid = NoiseGrid(PLAN.grid(25_001, 40).scale, 40)
    made = PLAN.released(total, grid, ReproducibleNoise(5))
    drawn = np.concatenate([(made[name] - total[name] * grid.step).ravel() for name in total])
    assert list(made) == list(total)
    assert drawn.std() == pytest.approx(PLAN.noise_multiplier * PLAN.clip_norm, rel=of_a_deviation(drawn.size))
    assert abs(drawn.mean()) < of_a_mean(3.0, drawn.size)
    assert len(np.unique(drawn)) > 0.99 * drawn.size, "no draw is used twice"


def test_without_noise_an_unbounded_sum_is_what_it_is() -> None:
    plan = SiloNoisePlan(0.0, float("inf"), 1.0, 1e-5, "replace-one", 9)
    assert plan.grid(3, 9) is None
    np.testing.assert_array_equal(plan.released({"a": np.arange(3.0)}, None, ReproducibleNoise(1))["a"], [0, 1, 2])


def test_the_sum_is_divided_by_the_cohort_that_is_expected() -> None:
    assert PLAN.divisor(10) == pytest.approx(3)


@pytest.mark.parametrize(
    ("rate", "adjacency", "addressed", "is_fine"),
    [(1.0, "replace-one", 3, True), (1.0, "replace-one", 7, True), (0.5, "replace-one", 7, True),
     (0.5, "add-remove", 7, True), (1.0, "add-remove", 3, False), (0.5, "replace-one", 3, False),
     (0.5, "add-remove", 3, False)],
)  # fmt: skip
def test_a_strategy_that_draws_silos_itself_is_charged_at_rate_one_or_refused(
    rate: float, adjacency: Any, addressed: int, is_fine: bool
) -> None:
    plan = SiloNoisePlan(1.0, 1.0, rate, 1e-5, adjacency, 9)
    if is_fine:
        return plan.check(addressed, 7)
    with pytest.raises(RowError, match="3 of 7 silos itself"):
        plan.check(addressed, 7)
    return None


def test_the_noise_is_what_the_target_needs() -> None:
    made = SiloNoise(epsilon=3.0, delta=1e-6, adjacency="add-remove").boundary(0.25, 12)
    assert made.noise_multiplier == noise_for("sampled-gaussian", 12, 3.0, 1e-6, "add-remove", rate=0.25)
    assert (made.rate, made.delta, made.clip_norm) == (0.25, 1e-6, 1.0)
    guarantee = made.guarantee
    assert (guarantee.unit, guarantee.adjacency, guarantee.sampling) == ("silo", "add-remove", ("poisson", "poisson"))
    assert guarantee.promise == Promise("silo", "add-remove", 1e-6, ((made.mechanism, 12),))


@pytest.mark.parametrize("layer_bounds", ["equal", "by-size"])
def test_bounds_of_layers_change_no_noise_and_no_promise(layer_bounds: str) -> None:
    whole, divided = (SiloNoise(layer_bounds=name).boundary(0.25, 12) for name in ("none", layer_bounds))
    assert divided.layer_bounds == layer_bounds
    assert divided.guarantee == whole.guarantee
    assert divided.grid(3, 9) == whole.grid(3, 9)
    assert (
        SiloNoise(layer_bounds=layer_bounds).said(False)["clip"] == f"1 a silo, divided among layers ({layer_bounds})"
    )


def test_inside_the_silos_training_is_plain() -> None:
    assert SiloNoise().plan(3, 0, 5) == Unprotected()


@pytest.mark.parametrize(
    "options", [{"clip_norm": 0.0}, {"clip_norm": 1e-200}, {"clip_norm": float("nan")},
                {"clip_norm": float("inf")}, {"epsilon": 0.0}, {"epsilon": float("inf")},
                {"delta": 1.0}, {"noise_multiplier": -1.0}, {"layers": ["ctc.*"]},
                {"noise_multiplier": float("nan")}, {"adjacency": "neighbours"}, {"layer_bounds": "median"},
                {"noise_multiplier": 1.0, "epsilon": 2.0},
                {"clip_norm": float("inf"), "noise_multiplier": 1.0}]
)  # fmt: skip
def test_what_it_refuses(options: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        build_protection("fedasr.protection.silo_noise.protection:SiloNoise", options)
