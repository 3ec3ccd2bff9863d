import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.grid.exchange import group_count
from fedasr.grid.sums import CHUNK, WeightedSum, mean_of_groups

Model = dict[str, np.ndarray]


def _models(count: int, seed: int, shapes: dict[str, tuple[int, ...]]) -> list[Model]:
    random = np.random.default_rng(seed)
    return [{n: random.standard_normal(s).astype(np.float32) for n, s in shapes.items()} for _ in range(count)]


def _mean(models: list[Model], weights: list[float], groups: int) -> Model:
    totals = []
    for part in np.array_split(np.arange(len(models)), groups):
        total = WeightedSum()
        for index in part:
            total.add(models[index], weights[index])
        if total.values is not None:
            totals.append(total.values)
    return mean_of_groups(totals, sum(weights), models[0])


@given(
    weights=st.lists(st.floats(0.01, 1000), min_size=1, max_size=9),
    groups=st.integers(1, 5),
    seed=st.integers(0, 9),
    shapes=st.dictionaries(st.sampled_from("abc"), st.sampled_from([(), (3,), (2, 4), (0,)]), min_size=1),
)
def test_the_mean_is_numpys_weighted_average(weights: list, groups: int, seed: int, shapes: dict) -> None:
    models = _models(len(weights), seed, shapes)
    found = _mean(models, weights, groups)
    assert list(found) == list(models[0])
    for name, array in found.items():
        stacked = np.stack([model[name] for model in models]).astype(np.float64)
        expected = np.average(stacked, axis=0, weights=weights)
        assert array.dtype == np.float32
        assert array.shape == expected.shape
        np.testing.assert_allclose(array, expected.astype(np.float32), rtol=2e-7, atol=1e-12)


@pytest.mark.parametrize("size", [CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7])
def test_chunks_meet(size: int) -> None:
    models = _models(4, 1, {"a": (5,), "b": (size,), "c": (2,)})
    found = _mean(models, [1, 2, 3, 4], 2)
    for name, array in found.items():
        stacked = np.stack([model[name] for model in models]).astype(np.float64)
        expected = np.average(stacked, axis=0, weights=[1, 2, 3, 4])
        np.testing.assert_allclose(array, expected.astype(np.float32), rtol=2e-7, atol=1e-9)


def test_sums_are_kept_in_float64() -> None:
    models = [{"a": np.float32([1e8])}, {"a": np.float32([1.0])}, {"a": np.float32([-1e8])}]
    assert _mean(models, [1, 1, 1], 1)["a"][0] == np.float32(1 / 3)


def test_what_was_added_is_left_alone() -> None:
    (model,) = _models(1, 0, {"a": (7,)})
    before = model["a"].copy()
    total = WeightedSum()
    total.add(model, 3.0)
    total.add(model, 2.0)
    np.testing.assert_array_equal(model["a"], before)
    assert total.values is not None
    assert not np.shares_memory(total.values, model["a"])
    np.testing.assert_allclose(total.values, 5 * before.astype(np.float64), rtol=1e-12)


@given(st.integers(1, 5000))
def test_groups_are_a_constant_of_the_number_of_silos(silos: int) -> None:
    count = group_count(silos)
    assert 1 <= count <= silos
    sizes = np.bincount([silo * count // silos for silo in range(silos)], minlength=count)
    assert sizes.min() >= 1
    assert sizes.max() <= 16
