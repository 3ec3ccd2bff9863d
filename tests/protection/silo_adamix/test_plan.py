"""The plan of silo-adamix: a threshold of public changes alone, noise in proportion, directions after the noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.tolerance import of_a_deviation

from fedasr.common.errors import RowError, UserError
from fedasr.common.files import Arrays
from fedasr.privacy.noise import ReproducibleNoise
from fedasr.protection.protection import build_protection
from fedasr.protection.silo_adamix.plan import SiloAdaMixPlan
from fedasr.protection.silo_noise.plan import SiloNoisePlan

SHAPES = {"a": (30, 40), "b": (700,)}


def _plan(**options: Any) -> SiloAdaMixPlan:
    plan = build_protection("silo-adamix", {"noise_multiplier": 1.5, **options}).boundary(0.5, 9)  # type: ignore[attr-defined]
    assert isinstance(plan, SiloAdaMixPlan)
    return plan


def _changes(count: int, length: float = 1.0, seed: int = 0) -> list[dict[str, np.ndarray]]:
    random = np.random.default_rng(seed)
    found = [
        {name: random.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()} for _ in range(count)
    ]
    return [
        {name: length * (place + 1) / _norm(change) * array for name, array in change.items()}
        for place, change in enumerate(found)
    ]


def _norm(arrays: Arrays) -> float:
    return float(np.sqrt(sum(np.square(array, dtype=np.float64).sum() for array in arrays.values())))


def test_the_threshold_is_a_quantile_of_public_norms_and_the_mechanism_stays() -> None:
    plan = _plan(quantile=0.5)
    for length in (0.2, 7.0):
        turn = plan.in_round(_changes(3, length))
        assert turn.clip_norm == pytest.approx(2 * length, rel=1e-6)
        assert turn.mechanism == plan.mechanism
        assert (turn.mechanism.clip_norm, turn.mechanism.clip_unit) == (1.0, "threshold")
        constant = SiloNoisePlan(1.5, 1.0, 0.5, turn.delta, turn.adjacency, 9)
        orders = np.array([2.0, 8.0])
        told = turn.mechanism.rdp(orders, turn.adjacency)
        np.testing.assert_array_equal(told, constant.mechanism.rdp(orders, turn.adjacency))


def test_the_noise_is_in_proportion_and_what_is_published_in_units_of_the_threshold() -> None:
    turn = _plan(quantile=1.0).in_round(_changes(3, 2.0))
    grid = turn.grid(1900, 4)
    assert grid is not None
    made = turn.released({name: np.zeros(shape) for name, shape in SHAPES.items()}, grid, ReproducibleNoise(5))
    drawn = np.concatenate([array.ravel() for array in made.values()])
    assert turn.clip_norm == pytest.approx(6.0, rel=1e-6)
    assert drawn.std() == pytest.approx(1.5, rel=of_a_deviation(drawn.size))
    mean = turn.directed(made, [], {})
    assert {name: array.dtype for name, array in mean.items()} == {name: array.dtype for name, array in made.items()}
    np.testing.assert_allclose(mean["a"], made["a"] * turn.clip_norm)


def test_the_noisy_mean_is_projected_on_public_changes_which_are_added_and_pulled_back() -> None:
    public = _changes(4)
    noisy = _changes(1, seed=9)[0]
    fixed = {"bound": "fixed", "clip_norm": 1.0}
    basis = np.linalg.qr(np.stack([_flat(change) for change in public]).T)[0]
    projected = basis @ (basis.T @ _flat(noisy))
    led = _plan(**fixed, subspace=4, public_weight=0.0).directed(noisy, public, {})
    np.testing.assert_allclose(_flat(led), projected, atol=1e-6)
    away = _changes(1, seed=5)[0]
    whole = _plan(**fixed, subspace=4, public_weight=0.5, pull=0.1).directed(noisy, public, away)
    mean = np.mean([_flat(change) for change in public], axis=0)
    np.testing.assert_allclose(_flat(whole), projected + 0.5 * mean + 0.1 * _flat(away), atol=1e-6)


def test_projected_on_the_whole_space_it_is_what_it_was() -> None:
    public = [{"a": row.astype(np.float32)} for row in np.random.default_rng(0).standard_normal((12, 5))]
    noisy = {"a": np.arange(5, dtype=np.float32)}
    led = _plan(bound="fixed", subspace=12, public_weight=0.0).directed(noisy, public, {})
    np.testing.assert_allclose(led["a"], noisy["a"], atol=1e-5)


def test_without_anything_public_it_is_silo_noise() -> None:
    bare = _plan(bound="fixed", clip_norm=0.5, public_weight=0.0)
    plain = build_protection("silo-noise", {"noise_multiplier": 1.5, "clip_norm": 0.5}).boundary(0.5, 9)  # type: ignore[attr-defined]
    assert (bare.pseudo_silo_speakers, bare.in_round([]), bare.guarantee) == (0, bare, plain.guarantee)
    noisy = _changes(1)[0]
    assert all((bare.directed(noisy, [], {})[name] == noisy[name]).all() for name in noisy)


def test_pseudo_silos_that_do_not_move_give_no_threshold() -> None:
    still = [{name: np.zeros(shape, np.float32) for name, shape in SHAPES.items()}]
    with pytest.raises(RowError, match="no pseudo-silo changes the model"):
        _plan().in_round(still)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"clip_norm": 0.5}, "'protection_options.clip_norm' takes no effect"),
        ({"bound": "fixed", "quantile": 0.5}, "'protection_options.quantile' takes no effect"),
        ({"bound": "fixed", "public_weight": 0.0, "speakers": 2}, "'protection_options.speakers' takes no effect"),
    ],
)
def test_what_takes_no_effect_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        build_protection("silo-adamix", options)


def test_the_recipe_says_who_pseudo_silos_are() -> None:
    said = build_protection("silo-adamix", {"speakers": 3}).said(at_centre=False)["clip"]
    assert said.endswith(" a silo; pseudo-silos of 3 public speakers each")
    divided = build_protection("silo-adamix", {"layer_bounds": "equal"}).said(at_centre=False)["clip"]
    assert " a silo, divided among layers (equal); pseudo-silos of 1 public" in divided


def _flat(arrays: Arrays) -> np.ndarray:
    return np.concatenate([array.ravel() for array in arrays.values()]).astype(np.float64)
