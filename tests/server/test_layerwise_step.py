"""LAMB at the server against Algorithm 2 of You et al. (2020), written out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.server.layerwise_step import LAMB_EPSILON, LayerwiseStep

LAYERS = {"first": (7,), "second": (4, 5), "third": (3,)}
seeds = st.integers(0, 2**32 - 1)
Arrays = dict[str, np.ndarray]


def _drawn(seed: int, scale: float) -> Arrays:
    random = np.random.default_rng(seed)
    sizes = {name: 10.0 ** random.uniform(-3, 1) for name in LAYERS}
    return {name: scale * sizes[name] * random.standard_normal(shape) for name, shape in LAYERS.items()}


def _algorithm_2(x: Arrays, changes: list[Arrays], rate: float, b1: float, b2: float, epsilon: float) -> Arrays:
    """Go through the layers one by one and the values one by one; the gradient is minus the change."""
    x = {name: array.astype(float).copy() for name, array in x.items()}
    for name, layer in x.items():
        values, m, v = layer.ravel(), [0.0] * layer.size, [0.0] * layer.size
        for t, change in enumerate(changes, start=1):
            gradient = (-change[name]).ravel()
            ratio = []
            for i, g in enumerate(gradient):
                m[i] = b1 * m[i] + (1 - b1) * g
                v[i] = b2 * v[i] + (1 - b2) * g * g
                ratio.append(m[i] / (1 - b1**t) / (math.sqrt(v[i] / (1 - b2**t)) + epsilon))
            trust = math.sqrt(sum(value**2 for value in values)) / math.sqrt(sum(r**2 for r in ratio))
            for i, r in enumerate(ratio):
                values[i] -= rate * trust * r
    return x


@given(seeds, st.floats(0.001, 0.1), st.floats(0, 0.95), st.floats(0, 0.999))
def test_the_published_step_is_algorithm_2(seed: int, rate: float, first: float, second: float) -> None:
    start, changes = _drawn(seed, 1.0), [_drawn(seed + n, 0.1) for n in range(1, 5)]
    step = LayerwiseStep("adam", rate, first, second, LAMB_EPSILON, is_published=True)
    weights = dict(start)
    for change in changes:
        weights = step.move(weights, change)
    expected = _algorithm_2(start, changes, rate, first, second, LAMB_EPSILON)
    for name in LAYERS:
        np.testing.assert_allclose(weights[name], expected[name], rtol=1e-9, atol=1e-12)


@given(seeds, st.floats(0.1, 2))
def test_by_default_layers_move_by_one_share_of_themselves_and_all_as_far_as_the_mean_change(
    seed: int, rate: float
) -> None:
    start, change = _drawn(seed, 1.0), _drawn(seed + 1, 0.1)
    moved = LayerwiseStep("adam", rate, 0.0, tau=LAMB_EPSILON).move(start, change)
    steps = {name: moved[name] - start[name] for name in LAYERS}
    shares = [np.linalg.norm(steps[name]) / np.linalg.norm(start[name]) for name in LAYERS]
    np.testing.assert_allclose(shares, shares[0], rtol=1e-6)
    length = math.sqrt(sum(float(np.sum(step**2)) for step in steps.values()))
    assert length == pytest.approx(rate * math.sqrt(sum(float(np.sum(part**2)) for part in change.values())), rel=1e-6)


def test_a_layer_of_zeros_moves_and_one_that_nothing_changes_stays() -> None:
    start = {"zeros": np.zeros(2), "still": np.ones(2)}
    moved = LayerwiseStep("adam", 0.1, tau=LAMB_EPSILON, is_published=True).move(
        start, {"zeros": np.array([1.0, -1.0]), "still": np.zeros(2)}
    )
    np.testing.assert_allclose(moved["zeros"], [0.1, -0.1], rtol=1e-5)
    np.testing.assert_array_equal(moved["still"], start["still"])
