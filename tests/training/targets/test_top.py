"""The best outputs of a frame, and what half precision does to them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.special import log_softmax

from fedasr.asr.soft_targets import FrameTargets
from fedasr.common.errors import RowError, UserError
from fedasr.training.targets import top as module
from fedasr.training.targets.top import expanded, frame_targets, top_targets

SHAPES = st.tuples(st.integers(0, 6), st.integers(1, 12))
FEW_VALUES = arrays(np.float32, SHAPES, elements=st.sampled_from([-np.inf, -2.5, -0.0, 0.0, 1.0, 3.0]))


def whole(scores_TV: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same, without frames in which nothing can be."""
    scores_TV[:, 0] = np.maximum(scores_TV[:, 0], -2.5)
    return scores_TV


def scattered(targets: FrameTargets, outputs: int) -> NDArray[np.float64]:
    """The probability of each output."""
    tokens_TK, probabilities_TK, _ = targets
    found = np.zeros((len(tokens_TK), outputs))
    np.put_along_axis(found, tokens_TK.astype(int), probabilities_TK.astype(float), 1)
    return found


@given(FEW_VALUES.map(whole), st.integers(1, 14))
def test_the_best_come_first_and_of_equal_ones_the_first(scores_TV: NDArray[np.float32], k: int) -> None:
    found = top_targets(scores_TV, k)
    expected_TV = np.argsort(-scores_TV, axis=1, kind="stable")
    np.testing.assert_array_equal(found.indices_TK, expected_TV[:, :k])
    logs_TV = log_softmax(scores_TV.astype(float), axis=1)
    expected_TK = np.take_along_axis(logs_TV, expected_TV[:, :k], 1).astype(np.float16)
    np.testing.assert_allclose(
        found.log_probabilities_TK, expected_TK, rtol=2**-10, atol=2**-24
    )  # one place of float16
    assert (found.indices_TK.dtype, found.log_probabilities_TK.dtype) == (np.uint16, np.float16)


@given(FEW_VALUES.map(whole), st.integers(1, 14))
def test_the_tail_is_the_rest(scores_TV: NDArray[np.float32], k: int) -> None:
    found = top_targets(scores_TV, k)
    rest_TV = np.sort(np.exp(log_softmax(scores_TV.astype(float), axis=1)), axis=1)[:, : max(0, scores_TV.shape[1] - k)]
    # Half a place of float16 in a logarithm of at most 6 plus log 12, and as much in the reference.
    np.testing.assert_allclose(np.exp(found.log_tail_T.astype(float)), rest_TV.sum(1), rtol=2**-11 * 9)
    if k >= scores_TV.shape[1]:
        assert (found.log_tail_T == -np.inf).all()


def test_a_tail_much_smaller_than_a_rounding_error_is_kept() -> None:
    found = top_targets(np.array([[0.0, -40.0, -41.0, -42.0]]), 1)
    expected = -40 + np.log(1 + np.exp(-1) + np.exp(-2))
    assert abs(found.log_tail_T[0] - expected) <= 2**-11 * 40  # 1 - exp(log of the best) would be 0


@given(arrays(np.float32, SHAPES, elements=st.floats(-30, 30, width=32)), st.integers(1, 14))
def test_what_comes_back_adds_up_to_one(scores_TV: NDArray[np.float32], k: int) -> None:
    tokens_TK, probabilities_TK, tail_T = expanded(top_targets(scores_TV, k))
    assert (tokens_TK.dtype, probabilities_TK.dtype, tail_T.dtype) == (np.int64, np.float32, np.float32)
    # A sum of 13 float32 and a division: 14 roundings of 2⁻²⁴.
    np.testing.assert_allclose(probabilities_TK.astype(float).sum(1) + tail_T, 1, atol=14 * 2**-24)


@given(arrays(np.float32, SHAPES, elements=st.floats(-30, 30, width=32)), st.integers(1, 12))
def test_logits_and_log_probabilities_tensors_and_arrays_are_the_same(scores_TV: NDArray[np.float32], k: int) -> None:
    one = expanded(top_targets(torch.from_numpy(scores_TV), k))
    other = expanded(top_targets(torch.from_numpy(scores_TV).double().log_softmax(1), k))
    # Two roundings to float16 of logarithms up to 60 + log 12, and a place of float32 between the two.
    for found, expected in zip((one[1], one[2]), (other[1], other[2]), strict=True):
        np.testing.assert_allclose(found, expected, rtol=4 * 63 * 2**-11, atol=1e-30)
    for found, expected in zip(one, expanded(top_targets(scores_TV, k)), strict=True):
        np.testing.assert_array_equal(found, expected)


def cross_entropy(probabilities_TV: NDArray[np.float64], log_student_TV: NDArray[np.float64]) -> NDArray[np.float64]:
    return -(probabilities_TV * log_student_TV).sum(1)


@given(
    st.integers(1, 300), st.sampled_from([0.01, 1.0, 4.0, 30.0, 1000.0]), st.sampled_from([0.1, 3.0, 30.0]),
    st.integers(0, 99),
)  # fmt: skip
def test_all_outputs_give_the_full_loss(outputs: int, teacher: float, student: float, seed: int) -> None:
    """In memory to 1e-6; through half precision within the bound that `top_targets` derives."""
    random = np.random.default_rng(seed)
    scores_TV = random.normal(0, teacher, (8, outputs)).astype(np.float32)
    probabilities_TV = np.exp(log_softmax(scores_TV.astype(float), axis=1))
    log_student_TV = log_softmax(random.normal(0, student, (8, outputs)), axis=1)
    full_T = cross_entropy(probabilities_TV, log_student_TV)

    in_memory_T = cross_entropy(scattered(frame_targets(scores_TV, outputs), outputs), log_student_TV)
    np.testing.assert_allclose(in_memory_T, full_T, rtol=1e-6, atol=1e-6)

    stored_T = cross_entropy(scattered(expanded(top_targets(scores_TV, outputs)), outputs), log_student_TV)
    epsilon_T = np.exp(2.0**-25) * (probabilities_TV ** (1 - 2.0**-11)).sum(1) - 1
    spread_T = log_student_TV.max(1) - log_student_TV.min(1)
    in_float32_T = 2.0**-22 * np.abs(log_student_TV).max(1) * np.log2(outputs + 2)  # exp, sum and division
    assert (np.abs(stored_T - full_T) <= epsilon_T * spread_T + in_float32_T).all()
    assert (epsilon_T <= np.exp(2.0**-25) * outputs**2.0**-11 - 1 + 1e-12).all()


def test_the_bound_is_not_far_from_what_happens() -> None:
    """A student that is sure of what the rounding favours comes within a factor of eight of it."""
    scores_TV = np.random.default_rng(0).normal(0, 2, (1, 3000)).astype(np.float32)
    probabilities_TV = np.exp(log_softmax(scores_TV.astype(float), axis=1))
    stored_TV = scattered(expanded(top_targets(scores_TV, 3000)), 3000)
    adverse_TV = np.where(stored_TV > probabilities_TV, -20.0, 0.0)
    error = np.abs(cross_entropy(stored_TV, adverse_TV) - cross_entropy(probabilities_TV, adverse_TV))[0]
    bound = (np.exp(2.0**-25) * (probabilities_TV ** (1 - 2.0**-11)).sum() - 1) * 20
    assert bound / 8 < error <= bound
    assert 3000**2.0**-11 * np.exp(2.0**-25) - 1 < 0.0040


@pytest.mark.parametrize("score", [np.nan, np.inf])
def test_what_is_no_number_is_refused(score: float) -> None:
    with pytest.raises(RowError, match=r"^the teacher's scores of a frame are not numbers: no targets"):
        top_targets(np.array([[0.0, 1.0], [score, 0.0]]), 1)
    with pytest.raises(RowError):
        top_targets(np.full((1, 3), -np.inf), 1)


def test_an_inventory_beyond_sixteen_bits_is_refused() -> None:
    random = np.random.default_rng(0)
    scores_TV = random.normal(size=(1, 65_536)).astype(np.float32)
    with pytest.raises(UserError, match=r"^65,536 outputs: stored targets number 65,535 at most$"):
        top_targets(scores_TV, 2)
    found = top_targets(scores_TV[:, :65_535], 3)
    np.testing.assert_array_equal(found.indices_TK[0], np.argsort(-scores_TV[0, :65_535])[:3])


def test_a_long_utterance_is_scored_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    scores_TV = np.random.default_rng(0).normal(size=(23, 9))
    at_once = top_targets(scores_TV, 4)
    monkeypatch.setattr(module, "_AT_ONCE", 50)
    in_parts = top_targets(scores_TV, 4)
    np.testing.assert_array_equal(at_once.indices_TK, in_parts.indices_TK)
    np.testing.assert_array_equal(at_once.log_probabilities_TK, in_parts.log_probabilities_TK)
    np.testing.assert_array_equal(at_once.log_tail_T, in_parts.log_tail_T)


def test_an_empty_utterance_has_no_frames() -> None:
    found = top_targets(np.zeros((0, 5)), 2)
    assert (found.indices_TK.shape, found.log_probabilities_TK.shape, found.log_tail_T.shape) == ((0, 2), (0, 2), (0,))


def test_no_gradient_is_asked_of_a_teacher() -> None:
    top_targets(torch.zeros(2, 3, requires_grad=True), 2)
