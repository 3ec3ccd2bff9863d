"""Which iterates count, and their mean, against NumPy's own in float64."""

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.training.iterates import IterateMean, counts

SHAPES = {"weight": (3, 4), "bias": (4,), "scale": ()}


def iterates(count: int, kind: str = "float32", seed: int = 0) -> list[dict[str, np.ndarray]]:
    dice = np.random.default_rng(seed)
    return [{name: dice.standard_normal(shape).astype(kind) for name, shape in SHAPES.items()} for _ in range(count)]


def mean_of(models: list[dict[str, np.ndarray]]) -> IterateMean:
    mean = IterateMean()
    for model in models:
        mean.add(model)
    return mean


@given(st.integers(1, 500))
def test_the_last_third_rounded_up_counts(of: int) -> None:
    counted = [number for number in range(of + 1) if counts(number, of)]
    assert counted == list(range(of - ceil(Fraction(of, 3)) + 1, of + 1))
    assert 0 not in counted  # the start is no iterate


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
@given(st.integers(1, 40), st.integers(0, 9))
def test_it_is_the_mean_in_float64(kind: str, count: int, seed: int) -> None:
    models = iterates(count, kind, seed)
    for name, found in mean_of(models).weights().items():
        assert found.dtype == np.float64
        stacked = np.stack([model[name].astype(np.float64) for model in models])
        # each of the updates rounds three times, and an update's error shrinks as (k - 1) / k from one to the next
        within = (count + 3) * np.finfo(np.float64).eps * np.abs(stacked).max()
        np.testing.assert_allclose(found, stacked.mean(0), rtol=0, atol=within)


@given(st.integers(1, 60), st.floats(-1e30, 1e30, allow_subnormal=False))
def test_what_all_iterates_have_alike_stays_so_to_the_bit(count: int, value: float) -> None:
    found = mean_of([{"still": np.array([value])}] * count).weights()["still"]
    assert found.tolist() == [value]


def test_of_integers_and_booleans_the_last_counts() -> None:
    models = [{"seen": np.array(number), "is_odd": np.array([number % 2 == 1])} for number in (3, 8, 5)]
    found = mean_of(models).weights()
    assert (found["seen"], found["seen"].dtype) == (5, np.array(5).dtype)
    assert found["is_odd"].tolist() == [True]


def test_no_iterate_is_changed_nor_kept() -> None:
    model = iterates(1)[0]
    mean = mean_of([model])
    before = mean.weights()["bias"].copy()
    model["bias"] += 1
    np.testing.assert_array_equal(mean.weights()["bias"], before)


@pytest.mark.parametrize("stop", range(5))
def test_saved_and_restored_it_goes_on_to_the_same_bits(stop: int) -> None:
    models = iterates(5)
    whole, begun, resumed = mean_of(models), mean_of(models[:stop]), IterateMean()
    resumed.restore({"beside": np.zeros(1), **begun.state()})
    for model in models[stop:]:
        resumed.add(model)
    assert resumed.count == whole.count == 5
    for name, array in whole.weights().items():
        np.testing.assert_array_equal(resumed.weights()[name], array)
