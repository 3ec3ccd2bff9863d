"""What must be true of every codec that loses something, and of each on its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.models import ALL, LOSSY, flat, largest_part, message, messages, same_bits
from support.tolerance import rounding

from fedasr.wire.codec import Codec, Layout, State, WireError
from fedasr.wire.codecs.half import Half
from fedasr.wire.codecs.int8 import Int8
from fedasr.wire.codecs.sign import Sign
from fedasr.wire.codecs.threshold import Threshold
from fedasr.wire.codecs.top_k import TopK, largest

WITH_FEEDBACK = {name: codec for name, codec in LOSSY.items() if name != "fp16"}


@pytest.mark.parametrize("name", ALL)
@given(arrays=messages)
def test_deliver_does_what_the_wire_would_do(name: str, arrays: dict[str, np.ndarray]) -> None:
    codec, state = ALL[name], {}
    for _ in range(3):
        delivery, (blob, after) = codec.deliver(arrays, state), codec.encode(arrays, state)
        assert delivery.blob_bytes == len(blob)
        assert dict(delivery.facts) == dict(codec.facts(blob))
        assert same_bits(delivery.arrays, codec.decode(blob, Layout.of(arrays)))
        assert same_bits(delivery.state, after)
        assert codec.encode(arrays, state)[0] == blob
        state = after


@pytest.mark.parametrize("name", WITH_FEEDBACK)
def test_sent_and_residual_are_all_that_was_put_in(name: str) -> None:
    codec, state, layout = WITH_FEEDBACK[name], {}, Layout.of(message())
    put_in = sent = np.zeros(layout.elements)
    size = 0.0
    for step in range(30):
        arrays = message(step, scale=1 + step % 3)
        blob, state = codec.encode(arrays, state)
        put_in, sent = put_in + flat(arrays), sent + flat(codec.decode(blob, layout))
        size = max(size, largest_part(arrays, state))
    waiting = state["residual"] + state.get("discarded", 0.0)
    # A step adds to the residual, takes from it, and books what is clipped.
    np.testing.assert_allclose(sent + waiting, put_in, atol=rounding(3 * 30, size))
    assert np.abs(sent).max() > 1


@pytest.mark.parametrize("codec", [Int8(error_feedback=False), TopK(error_feedback=False), Sign(error_feedback=False)])
def test_without_feedback_nothing_is_kept(codec: Codec) -> None:
    first, state = codec.encode(message(), {"residual": np.ones(3, np.float32)})
    assert not state
    assert codec.encode(message(), state)[0] == first


@pytest.mark.parametrize("name", LOSSY)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_by_name_and_changes_nothing(name: str, bad: float) -> None:
    codec, broken = LOSSY[name], message()
    broken["t"][1, 1, 1] = bad
    _, state = codec.encode(message(), {})
    before = {key: value.copy() for key, value in state.items()}
    with pytest.raises(WireError, match="'t'"):
        codec.encode(broken, state)
    assert same_bits(state, before)


@pytest.mark.parametrize("name", WITH_FEEDBACK)
def test_encoding_leaves_its_arguments_alone(name: str) -> None:
    codec, arrays = WITH_FEEDBACK[name], message()
    _, state = codec.encode(message(1), {})
    before = {key: value.copy() for key, value in state.items()}
    codec.encode(arrays, state)
    assert same_bits(arrays, message())
    assert same_bits(state, before)


@pytest.mark.parametrize("name", WITH_FEEDBACK)
def test_the_state_of_another_model_is_refused(name: str) -> None:
    _, state = WITH_FEEDBACK[name].encode({"w": np.ones((9, 9), np.float32)}, {})
    with pytest.raises(WireError):
        WITH_FEEDBACK[name].encode(message(), state)


@pytest.mark.parametrize("name", WITH_FEEDBACK)
def test_sums_beyond_float32_are_refused(name: str) -> None:
    largest_float = np.finfo(np.float32).max
    state: State = {"residual": np.full(4, largest_float, np.float32)}
    with pytest.raises(WireError, match="finite"):
        WITH_FEEDBACK[name].encode({"w": np.full((2, 2), largest_float)}, state)


def test_half_rounds_to_nearest() -> None:
    values = np.float32([1 + 2**-11, 1 + 3 * 2**-11, 65504, -65504, 1e-9, -0.0, 0.1])
    blob, _ = Half().encode({"w": values}, {})
    decoded = Half().decode(blob, Layout.of({"w": values}))["w"]
    assert decoded.tolist() == [1, 1 + 2**-9, 65504, -65504, 0, 0, float(np.float16(0.1))]
    assert len(blob) == 20 + 2 * 7


@pytest.mark.parametrize("value", [65504.01, 65519, 65520, 1e6, -1e6])
def test_half_refuses_what_it_cannot_carry(value: float) -> None:
    with pytest.raises(WireError, match=r"beyond fp16 \(±65504\)"):
        Half().encode({"w": np.array([0.5, value], np.float32)}, {})


@given(arrays=messages)
def test_int8_is_within_half_a_level(arrays: dict[str, np.ndarray]) -> None:
    decoded = Int8().deliver(arrays, {}).arrays
    for name, array in arrays.items():
        most = np.abs(array).max(initial=0)
        normal = np.where(np.abs(array) < 1e-35, 0, array)
        # Quotient and product are rounded, each of up to 127 levels.
        assert np.all(np.abs(decoded[name] - normal) <= most / 127 * (0.5 + rounding(2, 127)) + 1e-35)


def test_int8_carries_the_largest_float32() -> None:
    values = np.float32([np.finfo(np.float32).max, -np.finfo(np.float32).max, 0])
    np.testing.assert_allclose(Int8().deliver({"w": values}, {}).arrays["w"], values, rtol=rounding(2))


def test_int8_has_a_scale_for_each_tensor() -> None:
    arrays = {"small": np.float32([1, -127]) / 2**20, "large": np.float32([127, 64]) * 2**20}
    blob, state = Int8().encode(arrays, {})
    assert same_bits(Int8().decode(blob, Layout.of(arrays)), arrays)
    assert not state["residual"].any()
    assert len(blob) == 20 + 2 * 4 + 4


def test_sign_sends_the_means_of_both_parts() -> None:
    arrays = {"a": np.float32([1, 3, -4, -8, 0]), "b": np.float32([-2, -4])}
    blob, state = Sign().encode(arrays, {})
    decoded = Sign().decode(blob, Layout.of(arrays))
    assert decoded["a"].tolist() == [np.float32(4 / 3)] * 2 + [-6, -6, np.float32(4 / 3)]
    assert decoded["b"].tolist() == [-3, -3]
    assert state["residual"][2:4].tolist() == [2, -2]
    assert len(blob) == 20 + 2 * 8 + 1


@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=60).map(np.float32),
    st.integers(1, 60),
)
def test_the_largest_are_chosen_and_ties_go_to_the_earliest(values: np.ndarray, count: int) -> None:
    order = sorted(range(values.size), key=lambda index: (-abs(values[index]), index))
    wanted = sorted(index for index in order[:count] if values[index] != 0)
    assert largest(values, count).tolist() == wanted


def test_top_k_sends_the_largest_of_the_whole_message_as_they_are() -> None:
    arrays = {"a": np.float32([0.1, -5, 0.2]), "b": np.float32([[4, 0.3], [0.4, 0.5]])}
    delivery = TopK(density=2 / 7).deliver(arrays, {})
    assert flat(delivery.arrays).tolist() == [0, -5, 0, 4, 0, 0, 0]
    assert delivery.facts == {"density": 2 / 7}
    assert delivery.state["residual"].tolist() == np.float32([0.1, 0, 0.2, 0, 0.3, 0.4, 0.5]).tolist()


def test_only_what_loses_nothing_calls_itself_exact() -> None:
    assert [name for name, codec in ALL.items() if codec.is_exact] == ["dense"]
    assert Threshold().facts(Threshold().encode({"w": np.zeros(4, np.float32)}, {})[0]) == {
        "density": 0.0,
        "threshold": 0.0,
    }
