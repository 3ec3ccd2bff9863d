"""Terms are added up a stretch at a time, in float64, and what they were made of is left alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.grid.sums.terms import CHUNK, Pair, Reply, Term, Vector, added_up, mean_of, stretches

Model = dict[str, np.ndarray]
SHAPES = [(), (3,), (2, 4), (0,)]


def _model(seed: int, shapes: dict[str, tuple[int, ...]]) -> Model:
    random = np.random.default_rng(seed)
    return {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def _flat(model: Model) -> np.ndarray:
    return np.concatenate([array.reshape(-1).astype(np.float64) for array in model.values()])


def _sum(models: list[Model], weights: list[float]) -> Term:
    terms: list[Term] = [Reply.of(model, weight) for model, weight in zip(models, weights, strict=True)]
    while len(terms) > 1:
        terms = [Pair(terms[0], terms[1]), *terms[2:]]
    return terms[0]


@given(st.lists(st.integers(0, 3 * CHUNK), max_size=4))
def test_stretches_cover_every_value_once_in_order(sizes: list[int]) -> None:
    found = [
        (stretch.array, value, stretch.at + value - stretch.begin)
        for stretch in stretches(tuple(sizes))
        for value in (stretch.begin, stretch.end - 1)
    ]
    assert found == sorted(found)
    assert sum(stretch.end - stretch.begin for stretch in stretches(tuple(sizes))) == sum(sizes)
    assert all(0 < stretch.end - stretch.begin <= CHUNK for stretch in stretches(tuple(sizes)))
    starts = np.concatenate([[0], np.cumsum(sizes)]).tolist()
    assert all(stretch.at == starts[stretch.array] + stretch.begin for stretch in stretches(tuple(sizes)))


@given(
    weights=st.lists(st.floats(0.01, 1000) | st.just(1.0), min_size=1, max_size=6), seed=st.integers(0, 9),
    shapes=st.dictionaries(st.sampled_from("abc"), st.sampled_from(SHAPES), min_size=1),
)  # fmt: skip
def test_adding_up_is_adding_one_after_the_other_in_float64(weights: list, seed: int, shapes: dict) -> None:
    """To the bit: a product is rounded before it is added, and each sum before the next."""
    models = [_model(seed + number, shapes) for number in range(len(weights))]
    expected = _flat(models[0]) * weights[0]
    for model, weight in zip(models[1:], weights[1:], strict=True):
        expected = expected + _flat(model) * weight
    total = added_up(_sum(models, weights), Reply.of(models[0], 1.0).sizes)
    assert total.sum.tobytes() == expected.tobytes()


@pytest.mark.parametrize("size", [CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7])
def test_stretches_meet(size: int) -> None:
    models = [_model(seed, {"a": (5,), "b": (size,), "c": (2,)}) for seed in range(4)]
    found = mean_of(_sum(models, [1, 2, 3, 4]), 10, models[0])
    for name, array in found.items():
        sums = [model[name].astype(np.float64) * weight for model, weight in zip(models, (1, 2, 3, 4), strict=True)]
        expected = (((sums[0] + sums[1]) + sums[2]) + sums[3]) / 10
        assert array.shape == models[0][name].shape
        assert array.tobytes() == expected.astype(np.float32).tobytes()


def test_sums_are_kept_in_float64() -> None:
    models = [{"a": np.float32([1e8])}, {"a": np.float32([1.0])}, {"a": np.float32([-1e8])}]
    assert mean_of(_sum(models, [1, 1, 1]), 3, models[0])["a"][0] == np.float32(1 / 3)


def test_replies_are_left_alone_and_the_vector_of_a_sum_is_used_again() -> None:
    one, other = _model(1, {"a": (7,)}), _model(2, {"a": (7,)})
    before = one["a"].copy(), other["a"].copy()
    total = added_up(Pair(Reply.of(one, 3.0), Reply.of(other, 1.0)), (7,))
    values = total.sum
    again = added_up(Pair(Reply.of(other, 2.0), total), (7,))
    assert again.sum is values
    assert not np.shares_memory(values, one["a"])
    np.testing.assert_array_equal(one["a"], before[0])
    np.testing.assert_array_equal(other["a"], before[1])


def test_what_is_not_contiguous_is_read_in_the_order_of_its_indices() -> None:
    model = {"a": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))}
    assert added_up(Pair(Reply.of(model, 1.0), Vector(np.zeros(6))), (6,)).sum.tolist() == [0, 1, 2, 3, 4, 5]
