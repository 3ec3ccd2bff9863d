"""Norms and cuts: of gradients group by group, and of arrays; the same in torch and in numpy."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.draws import examples

from fedasr.protection.clipping import cut
from fedasr.protection.clipping.bounds import Bounds
from fedasr.protection.clipping.cut import array_norms, cut_arrays, cut_sum

SIZES = {"w": 6, "b": 2}
WITHIN = 1 + 1e-12
"""Norms, factors and products are of float64: a dozen roundings of 2⁻⁵³ each."""

floats = st.floats(width=32, allow_nan=True, allow_infinity=True) | st.sampled_from([1e-45, 3e38, -3e38, 0.0])
groups = st.fixed_dictionaries(
    {"w": arrays(np.float32, (3, 3, 2), elements=floats), "b": arrays(np.float32, (3, 2), elements=floats)}
)
bounds = st.builds(Bounds.of_all, st.just(tuple(SIZES)), st.floats(0, 1e6) | st.just(math.inf)) | st.builds(
    Bounds.per_layer, st.just(SIZES), st.floats(0, 1e6) | st.just(math.inf), st.sampled_from(["by-size", "equal"])
)


def _alone(parts: dict[str, np.ndarray], group: int, bounds: Bounds) -> dict[str, np.ndarray]:
    """One group's gradient, cut by the definition."""
    own = {name: part[group].astype(np.float64) for name, part in parts.items()}
    if not all(np.isfinite(part).all() for part in own.values()):
        return {name: np.zeros_like(part) for name, part in own.items()}
    found = {}
    for block in bounds.blocks:
        norm = math.sqrt(sum(float((own[name] ** 2).sum()) for name in block.names))
        found.update({name: own[name] * (min(1.0, block.bound / norm) if norm else 1.0) for name in block.names})
    return found


def _norm(parts: Mapping[str, np.ndarray]) -> float:
    """By a sum that squares nothing small enough to vanish."""
    return math.hypot(*(float(value) for part in parts.values() for value in np.ravel(part)))


def _torch(parts: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(part) for name, part in parts.items()}


@given(groups, bounds, arrays(np.float64, 3, elements=st.floats(0, 1)))
@examples(200)
def test_a_sum_is_that_of_groups_cut_alone(parts: dict[str, np.ndarray], bounds: Bounds, weights: np.ndarray) -> None:
    found, norms_G = cut_sum(_torch(parts), bounds, torch.from_numpy(weights))
    alone = [_alone(parts, group, bounds) for group in range(3)]
    largest = max(float(np.abs(own[name]).max()) for own in alone for name in own)
    for name, part in found.items():
        expected = sum(w * own[name] for w, own in zip(weights, alone, strict=True))
        np.testing.assert_allclose(part.numpy(), expected, rtol=1e-12, atol=1e-12 * largest)
    finite = [all(np.isfinite(part[group]).all() for part in parts.values()) for group in range(3)]
    assert norms_G.isfinite().tolist() == finite


@given(groups, bounds)
@examples(200)
def test_arrays_are_cut_as_gradients_are(parts: dict[str, np.ndarray], bounds: Bounds) -> None:
    own = {name: part[:1] for name, part in parts.items()}
    found = cut_arrays(own, bounds, array_norms(own, bounds))
    by_torch, _ = cut_sum(_torch(own), bounds)
    assert _norm(found) <= bounds.sensitivity * WITHIN
    for name, part in by_torch.items():
        np.testing.assert_allclose(found[name][0], part.numpy(), rtol=1e-12, atol=1e-300)


@given(groups)
@examples(50)
def test_an_infinite_bound_leaves_every_bit(parts: dict[str, np.ndarray]) -> None:
    kept = {name: np.nan_to_num(part[:1], nan=1.0, posinf=2.0, neginf=3.0) for name, part in parts.items()}
    for free in (Bounds.of_all(SIZES, math.inf), Bounds.per_layer(SIZES, math.inf)):
        found, _ = cut_sum(_torch(kept), free)
        arrays_found = cut_arrays(kept, free, array_norms(kept, free))
        for name, part in kept.items():
            assert np.array_equal(found[name].float().numpy(), part[0])
            assert arrays_found[name] is part


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_none_takes_its_whole_group_out(bad: float) -> None:
    parts = {"w": torch.ones(2, 3, 2), "b": torch.ones(2, 2)}
    parts["b"][0, 1] = bad
    for bounds in (Bounds.of_all(SIZES, 1e3), Bounds.per_layer(SIZES, 1e3)):
        total, norms_G = cut_sum(parts, bounds)
        assert norms_G.isfinite().tolist() == [False, True]
        assert total["w"].eq(1).all()
        assert total["b"].eq(1).all()
    arrays_of_it = {name: part[0].numpy() for name, part in parts.items()}
    bounds = Bounds.of_all(SIZES, 1e3)
    assert not any(part.any() for part in cut_arrays(arrays_of_it, bounds, array_norms(arrays_of_it, bounds)).values())


@pytest.mark.parametrize("columns", [1, 7, 100])
def test_a_sum_is_the_same_whatever_is_in_float64_at_once(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    part, factors_G = torch.randn(3, 20, 5), torch.tensor([0.5, 0.0, 2.0], dtype=torch.float64)
    part[1, 3, 2] = math.nan
    expected = (factors_G[[0, 2]] @ part[[0, 2]].flatten(1).double()).view(20, 5)
    monkeypatch.setattr(cut, "AT_ONCE", 3 * columns)
    torch.testing.assert_close(cut.weighted_sum(part, factors_G), expected, rtol=1e-15, atol=1e-15)
    norms_G = cut.norms_of([part, part[:, 0, 0]])
    whole = torch.cat([part.flatten(1), part[:, 0, :1]], 1).double().norm(dim=1)
    torch.testing.assert_close(norms_G, whole, rtol=1e-15, atol=0.0, equal_nan=True)
