import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.tolerance import rounding

from fedasr.server.adaptive_step import AdaptiveStep
from fedasr.server.outer_step import MomentumStep

rates = st.floats(0.05, 2.0)
momenta = st.floats(0.0, 0.9, exclude_min=True)  # without it there need be no velocity


def _one(value: float) -> dict[str, np.ndarray]:
    return {"w": np.float32([value])}


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_a_constant_distance_is_amplified_by_one_over_one_minus_momentum(momentum: float, nesterov: bool) -> None:
    step, weights = MomentumStep(0.7, momentum, nesterov), _one(0.0)
    for _ in range(300):
        sent = step.ahead(weights)
        before = weights
        weights = step.step(weights, sent, {"w": sent["w"] + np.float32(0.25)})
    # The models that are subtracted are rounded at their own size, and what is off is remembered.
    within = rounding(4 / (1 - momentum), float(weights["w"][0]))
    assert float(weights["w"][0] - before["w"][0]) == pytest.approx(0.7 * 0.25 / (1 - momentum), abs=within)


@given(rates, momenta, st.integers(1, 12))
def test_velocity_is_the_geometric_sum_of_distances(rate: float, momentum: float, rounds: int) -> None:
    step, weights = MomentumStep(rate, momentum), _one(0.0)
    distances = np.random.default_rng(rounds).standard_normal(rounds)
    for distance in distances:
        sent = step.ahead(weights)
        weights = step.step(weights, sent, {"w": sent["w"].astype(np.float64) + distance})
    expected = rate * sum(momentum ** (rounds - 1 - t) * d for t, d in enumerate(distances))
    size = rate * np.abs(distances).sum()
    assert float(step.velocity["w"][0]) == pytest.approx(expected, abs=rounding(3 * rounds, size))


def test_without_momentum_and_at_rate_one_the_next_model_is_the_mean_to_the_bit() -> None:
    random = np.random.default_rng(0)
    weights, mean = ({"w": random.standard_normal(1000).astype(np.float32)} for _ in range(2))
    step = MomentumStep()
    found = step.step(weights, step.ahead(weights), mean)
    np.testing.assert_array_equal(found["w"], mean["w"])


@given(rates, st.floats(0.1, 0.9))
def test_the_look_ahead_is_momentum_times_the_last_step(rate: float, momentum: float) -> None:
    heavy, nesterov = MomentumStep(rate, momentum), MomentumStep(rate, momentum, nesterov=True)
    first = _one(1.0)
    for step in (heavy, nesterov):
        np.testing.assert_array_equal(step.ahead(first)["w"], first["w"])
    moved = {name: s.step(first, first, _one(3.0)) for name, s in (("heavy", heavy), ("nesterov", nesterov))}
    np.testing.assert_array_equal(moved["heavy"]["w"], moved["nesterov"]["w"])
    np.testing.assert_array_equal(heavy.ahead(moved["heavy"])["w"], moved["heavy"]["w"])
    delta = moved["nesterov"]["w"] - first["w"]
    expected = moved["nesterov"]["w"] + momentum * delta
    np.testing.assert_allclose(nesterov.ahead(moved["nesterov"])["w"], expected, rtol=rounding(4), atol=rounding(4))


def test_nesterov_is_torchs_where_silos_take_one_gradient_step() -> None:
    """On a quadratic the silos' mean after one step is ``sent - gradient``; torch stores the look-ahead."""
    target = np.float32([1.0, -2.0, 0.5])
    step, weights = MomentumStep(1.0, 0.9, nesterov=True), {"w": np.zeros(3, np.float32)}
    parameter = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=0.1, momentum=0.9, nesterov=True)
    within = rounding(25 * 7 / (1 - 0.9), 2)  # seven operations a step, remembered ten steps long
    for _ in range(25):
        sent = step.ahead(weights)
        np.testing.assert_allclose(sent["w"], parameter.detach().numpy(), atol=within)
        weights = step.step(weights, sent, {"w": sent["w"] - np.float32(0.1) * (sent["w"] - target)})
        parameter.grad = parameter.detach() - torch.from_numpy(target)
        optimizer.step()


@pytest.mark.parametrize("step", [MomentumStep(0.5, 0.5, True), AdaptiveStep()])
def test_models_stay_float32_and_the_given_ones_are_left_alone(step: MomentumStep | AdaptiveStep) -> None:
    weights, mean = _one(1.0), _one(2.0)
    for _ in range(3):
        sent = step.ahead(weights)
        found = step.step(weights, sent, mean)
        assert weights["w"].tolist() == [1.0]
        assert found["w"].dtype == sent["w"].dtype == np.float32
