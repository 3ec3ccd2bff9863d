"""Adaptive outer optimizers against Algorithm 2 of Reddi et al. (2021), written out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.server.adaptive_step import SECOND_MOMENTS, AdaptiveStep, root_mean_square

NAMES = sorted(SECOND_MOMENTS)
seeds = st.integers(0, 2**32 - 1)


def _algorithm_2(name: str, rate: float, b1: float, b2: float, tau: float, changes: list[np.ndarray]) -> np.ndarray:
    x, m, v = np.zeros(len(changes[0])), np.zeros(len(changes[0])), np.full(len(changes[0]), tau**2)
    for delta in changes:
        m = b1 * m + (1 - b1) * delta
        if name == "adagrad":
            v = v + delta**2
        elif name == "yogi":
            v = v - (1 - b2) * delta**2 * np.sign(v - delta**2)
        else:
            v = b2 * v + (1 - b2) * delta**2
        x = x + rate * m / (np.sqrt(v) + tau)
    return x


def _changes(seed: int, rounds: int = 6, size: int = 40) -> list[np.ndarray]:
    """Return changes of values of very unlike size."""
    random = np.random.default_rng(seed)
    sizes = 10.0 ** random.uniform(-4, 1, size)
    return [random.standard_normal(size) * sizes for _ in range(rounds)]


def _moved(step: AdaptiveStep, changes: list[np.ndarray]) -> list[np.ndarray]:
    """Return the model, in two arrays, after each change."""
    weights, found = {"a": np.zeros(10), "b": np.zeros((5, 6))}, []
    for change in changes:
        weights = step.move(weights, {"a": change[:10], "b": change[10:].reshape(5, 6)})
        found.append(np.concatenate([weights["a"], weights["b"].ravel()]))
    return found


@pytest.mark.parametrize("name", NAMES)
@given(seeds, st.floats(0.01, 2), st.floats(0, 0.95), st.floats(0, 0.999), st.floats(1e-3, 10))
def test_the_published_step_is_algorithm_2(
    name: str, seed: int, rate: float, first: float, second: float, tau: float
) -> None:
    changes = _changes(seed)
    found = _moved(AdaptiveStep(name, rate, first, second, tau, is_published=True), changes)[-1]
    np.testing.assert_allclose(found, _algorithm_2(name, rate, first, second, tau, changes), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@given(seeds, st.floats(0.1, 2), st.floats(0, 0.95))
def test_by_default_a_step_is_as_long_as_the_mean_change(name: str, seed: int, rate: float, first: float) -> None:
    changes, mean = _changes(seed), np.zeros(40)
    steps = np.diff([np.zeros(40), *_moved(AdaptiveStep(name, rate, first), changes)], axis=0)
    for change, step in zip(changes, steps, strict=True):
        mean = first * mean + (1 - first) * change
        assert np.linalg.norm(step) == pytest.approx(rate * np.linalg.norm(mean), rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
@given(seeds, st.floats(0, 0.95))
def test_every_change_counts_once_and_none_for_more(name: str, seed: int, first: float) -> None:
    """Where all values are held back alike the model ends at the sum of the changes, but for what is still in m."""
    changes = _changes(seed)
    found = _moved(AdaptiveStep(name, 1.0, first, tau=1e9), changes)[-1]
    shares = [1 - first ** (len(changes) - number) for number in range(len(changes))]
    np.testing.assert_allclose(found, np.tensordot(shares, changes, 1), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@given(seeds, st.floats(1e-6, 1e6))
def test_by_default_the_size_of_the_changes_is_the_size_of_the_steps(name: str, seed: int, scale: float) -> None:
    """No rate has to be found for a smaller local learning rate, or a larger model."""
    changes = _changes(seed)
    small = _moved(AdaptiveStep(name), changes)[-1]
    large = _moved(AdaptiveStep(name), [scale * change for change in changes])[-1]
    np.testing.assert_allclose(large, scale * small, rtol=1e-6, atol=1e-9 * scale)


@pytest.mark.parametrize("name", NAMES)
def test_values_that_change_much_are_held_back(name: str) -> None:
    """What tells it from averaging: the direction is another one."""
    change = np.array([1.0, 0.01])
    (moved,) = [AdaptiveStep(name, first=0.0).move({"w": np.zeros(2)}, {"w": change})["w"]]
    assert moved[0] < 1.0
    assert moved[1] > 0.01
    assert moved[1] / moved[0] > 0.01


def test_the_degree_of_adaptivity_is_the_size_of_the_first_change() -> None:
    assert root_mean_square({"a": np.array([3.0, 0.0]), "b": np.array([[4.0]])}) == pytest.approx(math.sqrt(12.5))
    step = AdaptiveStep()
    weights = {"w": np.float32([1.0, 2.0])}
    still = step.move(weights, {"w": np.zeros(2)})
    assert step.tau is None
    np.testing.assert_array_equal(still["w"], weights["w"])
    step.move(weights, {"w": np.array([0.0, 0.5])})
    step.move(weights, {"w": np.array([3.0, 0.5])})
    assert step.tau == 0.5


def test_nothing_moves_what_has_nowhere_to_go() -> None:
    step = AdaptiveStep(first=0.0)
    weights = step.move({"w": np.zeros(2)}, {"w": np.ones(2)})
    again = step.move(weights, {"w": np.zeros(2)})
    np.testing.assert_array_equal(again["w"], weights["w"])
