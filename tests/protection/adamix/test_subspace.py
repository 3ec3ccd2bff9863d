"""Projections, against numpy's singular vectors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.draws import examples

from fedasr.protection.adamix.subspace import Subspace


def _made(seed: int, count: int, rank: int | None = None) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Gradients of three parameters, of 2 × 5, 1 and 7 values, and the same as one matrix."""
    random = torch.Generator().manual_seed(seed)
    if rank is None:
        matrix_BD = torch.randn(count, 18, generator=random)
    else:
        matrix_BD = torch.randn(count, rank, generator=random) @ torch.randn(rank, 18, generator=random)
    weights, scalar, bias = matrix_BD.split([10, 1, 7], 1)
    return [weights.reshape(count, 2, 5), scalar[:, 0], bias], matrix_BD.double()


def _like(parts: list[torch.Tensor], seed: int = 9) -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    return [torch.randn(part.shape[1:], generator=random) for part in parts]


def _flat(gradient: list[torch.Tensor]) -> np.ndarray:
    return torch.cat([part.double().flatten() for part in gradient]).numpy()


@examples(30)
@given(seed=st.integers(0, 999), count=st.integers(1, 25), most=st.integers(1, 25))
def test_it_is_the_projection_on_the_first_singular_vectors(seed: int, count: int, most: int) -> None:
    parts, matrix_BD = _made(seed, count)
    gradient = _like(parts)
    _, _, vectors = np.linalg.svd(matrix_BD.numpy(), full_matrices=False)
    kept = min(most, count, 18)
    expected = vectors[:kept].T @ (vectors[:kept] @ _flat(gradient))
    found = Subspace.of_longest(parts, most)
    assert found.dimensions == kept
    np.testing.assert_allclose(_flat(found.projected(gradient)), expected, atol=1e-5)


def test_on_the_whole_space_nothing_changes() -> None:
    parts, _ = _made(1, 40)
    gradient = _like(parts)
    found = Subspace.of_longest(parts, 40)
    assert found.dimensions == 18
    np.testing.assert_allclose(_flat(found.projected(gradient)), _flat(gradient), atol=1e-5)


def test_what_is_projected_twice_stays() -> None:
    parts, _ = _made(2, 6)
    found = Subspace.of_longest(parts, 3)
    once = found.projected([part.double() for part in _like(parts)])
    np.testing.assert_allclose(_flat(found.projected(once)), _flat(once), atol=1e-12)


@pytest.mark.parametrize(("count", "rank"), [(8, 3), (3, 0), (0, 2)])
def test_fewer_directions_than_are_asked_for_are_what_there_is(count: int, rank: int) -> None:
    parts, matrix_BD = _made(3, count, rank)
    found = Subspace.of_longest(parts, 8)
    assert found.dimensions == min(count, rank)
    if count and rank:
        within = [part[0] for part in parts]
        np.testing.assert_allclose(_flat(found.projected(within)), matrix_BD[0].numpy(), atol=1e-5)
    else:
        assert not _flat(found.projected(_like(parts))).any()


@examples(20)
@given(seed=st.integers(0, 999), counts=st.tuples(st.integers(1, 8), st.integers(1, 8)), most=st.integers(1, 8))
def test_the_overlap_is_the_mean_squared_cosine_of_the_principal_angles(
    seed: int, counts: tuple[int, int], most: int
) -> None:
    made = [_made(seed + place, count) for place, count in enumerate(counts)]
    one, other = (Subspace.of_longest(parts, most) for parts, _ in made)
    bases = [np.linalg.svd(matrix_BD.numpy(), full_matrices=False)[2][:most] for _, matrix_BD in made]
    cosines = np.linalg.svd(bases[0] @ bases[1].T, compute_uv=False)
    assert one.overlap(other) == pytest.approx(float(np.mean(cosines**2)), abs=1e-6)
    assert one.overlap(one) == pytest.approx(1.0, abs=1e-6)
