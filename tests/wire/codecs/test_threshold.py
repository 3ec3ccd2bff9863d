"""Gradient threshold compression: nothing is lost, and the threshold goes where it is told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.models import flat, largest_part, message
from support.tolerance import rounding

from fedasr.wire.codec import Layout, State, WireError
from fedasr.wire.codecs.threshold import Threshold, decode_into, read
from fedasr.wire.codecs.threshold_schedule import BAND_STEP
from fedasr.wire.packing.sparse import threshold_step

dyadic_taus = st.integers(1, 64).map(lambda eighths: eighths / 8)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 200),
    st.lists(st.tuples(dyadic_taus, st.floats(0, 1)), min_size=1, max_size=12),
    st.sampled_from([None, 0.5, 1.0, 2.0]),
)
def test_the_invariant_is_exact_on_dyadic_values(
    seed: int, elements: int, schedule: list[tuple[float, float]], residual_clip: float | None
) -> None:
    random, layout = np.random.default_rng(seed), Layout(("g",), ((elements,),))
    put_in, sent, state = np.zeros(elements), np.zeros(elements), {}
    for tau, share in schedule:
        gradient = random.integers(-512, 513, elements) / 64 * (random.random(elements) < share)
        codec = Threshold(tau=tau, residual_clip=residual_clip)
        blob, state = codec.encode({"g": gradient.astype(np.float32)}, state)
        put_in += gradient
        decode_into(sent, blob, layout)
        discarded = state.get("discarded", np.zeros(elements))
        assert np.array_equal(sent + state["residual"] + discarded, put_in)


@given(st.integers(0, 2**32 - 1), st.sampled_from([{"density": 0.05}, {"band": (0.01, 0.1)}, {"tau": 0.7}]))
def test_the_invariant_holds_within_rounding_on_any_values(seed: int, options: dict[str, object]) -> None:
    random, layout, codec = np.random.default_rng(seed), Layout.of(message()), Threshold(**options, residual_clip=3)
    put_in, sent, state, size = np.zeros(layout.elements), np.zeros(layout.elements), {}, 0.0
    for _ in range(40):
        arrays = message(int(random.integers(2**32)), float(random.lognormal()))
        blob, state = codec.encode(arrays, state)
        put_in += flat(arrays)
        decode_into(sent, blob, layout)
        size = max(size, largest_part(arrays, state))
    total = sent + state["residual"] + state["discarded"]
    # A step adds to the residual, takes from it, and books what is clipped.
    np.testing.assert_allclose(total, put_in, atol=rounding(3 * 40, size))


def test_one_step_by_hand() -> None:
    residual, gradient = np.float32([0.5, 0, 0, -0.25, 0]), np.float32([0.5, 0.75, 3.5, -0.75, -0.5])
    sparse, after = threshold_step(residual, gradient, 1.0)
    assert sparse.indices.tolist() == [0, 2, 3]
    assert sparse.signs.tolist() == [1, 1, -1]
    assert after.tolist() == [0, 0.75, 2.5, 0, -0.5]
    assert residual.tolist() == [0.5, 0, 0, -0.25, 0]


@pytest.mark.parametrize("tau", [0.0, -1.0, np.nan, np.inf])
def test_a_step_wants_a_threshold_above_zero(tau: float) -> None:
    with pytest.raises(WireError, match="threshold"):
        threshold_step(np.zeros(2, np.float32), np.zeros(2, np.float32), tau)


@pytest.mark.parametrize("tau", [0.0, -1.0, np.nan, np.inf])
@pytest.mark.parametrize("codec", [Threshold(density=0.5), Threshold(band=(0.1, 0.3)), Threshold(tau=0.5)])
def test_a_state_with_a_threshold_out_of_range_is_refused(codec: Threshold, tau: float) -> None:
    """It may come from a checkpoint: a NaN would compare with nothing and send nothing, for ever."""
    with pytest.raises(WireError, match="threshold"):
        codec.encode({"g": np.float32([1, -2])}, {"threshold": np.array(tau), "residual": np.zeros(2, np.float32)})


@pytest.mark.parametrize("gradient", [[np.nan], [np.inf], [1, 2]])
def test_a_step_refuses_what_does_not_fit(gradient: list[float]) -> None:
    with pytest.raises(WireError):
        threshold_step(np.zeros(1, np.float32), np.float32(gradient), 1.0)


def test_the_threshold_taken_off_is_the_float32_of_the_blob() -> None:
    blob, state = Threshold(tau=0.1).encode({"g": np.float32([1, -1])}, {})
    assert Threshold().facts(blob)["threshold"] == float(np.float32(0.1))
    assert state["residual"].tolist() == [np.float32(1) - np.float32(0.1), np.float32(0.1) - np.float32(1)]


def _densities(codec: Threshold, messages: int, elements: int = 40_000, persistent: float = 0.0) -> np.ndarray:
    random = np.random.default_rng(0)
    scale = np.exp(random.standard_normal(elements))
    drift = persistent * random.standard_normal(elements)
    state: State = {}
    densities = []
    for _ in range(messages):
        gradient = ((random.standard_normal(elements) + drift) * scale).astype(np.float32)
        blob, state = codec.encode({"g": gradient}, state)
        densities.append(codec.facts(blob)["density"])
    return np.array(densities)


@pytest.mark.parametrize("persistent", [0.0, 0.3])
@pytest.mark.parametrize("target", [0.01, 0.001])
def test_the_density_is_reached_at_once_and_kept_without_oscillation(target: float, persistent: float) -> None:
    shares = _densities(Threshold(density=target), 60, persistent=persistent) / target
    assert 0.6 < shares[0] < 1.6
    assert shares[1:10].max() < 3
    settled = shares[20:]
    assert settled.mean() == pytest.approx(1, abs=0.1)
    assert settled.std() < 0.35


def test_a_fixed_threshold_stays() -> None:
    state: State = {}
    for step in range(5):
        delivery = Threshold(tau=0.75).deliver(message(step), state)
        state = delivery.state
        assert delivery.facts["threshold"] == 0.75


def test_a_band_moves_the_threshold_by_its_step_only_from_outside() -> None:
    values = {"g": np.float32([8] * 10 + [0.5] * 90)}
    state: State = {"threshold": np.array(1.0), "residual": np.zeros(100, np.float32)}
    for band, factor in (((0.05, 0.2), 1.0), ((0.2, 0.3), BAND_STEP), ((0.01, 0.05), 1 / BAND_STEP)):
        _, after = Threshold(band=band).encode(values, state)
        assert float(after["threshold"]) == factor


def test_a_band_ends_inside_it() -> None:
    shares = _densities(Threshold(band=(0.005, 0.02)), 150)
    assert ((shares[100:] > 0.004) & (shares[100:] < 0.024)).all()


@pytest.mark.parametrize("options", [{}, {"band": (0.01, 0.1)}])
def test_zeros_first_leave_the_threshold_open(options: dict[str, object]) -> None:
    codec, zeros = Threshold(**options), {"g": np.zeros(1000, np.float32)}
    blob, state = codec.encode(zeros, {})
    assert codec.facts(blob) == {"density": 0, "threshold": 0}
    assert len(blob) == 36
    assert "threshold" not in state
    assert not codec.decode(blob, Layout.of(zeros))["g"].any()
    one = {"g": np.eye(1, 1000, 5, dtype=np.float32)[0] * 3}
    blob, state = codec.encode(one, state)
    assert codec.decode(blob, Layout.of(zeros))["g"].tolist() == one["g"].tolist()
    held = float(state["threshold"])
    for _ in range(50):
        _, state = codec.encode(zeros, state)
    assert float(state["threshold"]) == held


def test_clipping_bounds_the_residual_and_books_the_rest() -> None:
    codec, state = Threshold(tau=1.0, residual_clip=2.0), {}
    for gradient in ([10, -10, 1.5], [0, 0, 0.25]):
        _, state = codec.encode({"g": np.float32(gradient)}, state)
    assert state["residual"].tolist() == [1, -1, 0.75]
    assert state["discarded"].tolist() == [7, -7, 0]


@given(st.floats(-4, 4, width=32))
def test_a_weighted_sum_touches_only_what_was_sent(weight: float) -> None:
    layout, blob = Layout.of(message()), Threshold(tau=1.0).encode(message(), {})[0]
    total = np.full(layout.elements, 5.0)
    decode_into(total, blob, layout, weight)
    np.testing.assert_allclose(total, 5 + weight * flat(Threshold().decode(blob, layout)))
    assert read(blob, layout)[0].count > 0
    with pytest.raises(WireError, match="sum"):
        decode_into(np.zeros(3), blob, layout)


def test_the_residual_survives_being_saved() -> None:
    codec = Threshold(density=0.1)
    _, state = codec.encode(message(0), {})
    saved = {key: np.frombuffer(value.tobytes(), value.dtype).reshape(value.shape) for key, value in state.items()}
    assert codec.encode(message(1), saved)[0] == codec.encode(message(1), state)[0]
