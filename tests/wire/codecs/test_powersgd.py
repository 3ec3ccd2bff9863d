import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.models import message, same_bits

from fedasr.wire.codec import Layout, WireError
from fedasr.wire.codecs.powersgd import PowerSGD
from fedasr.wire.packing.low_rank import approximate, first_query, orthonormal

U = 2.0**-24
"""Unit roundoff of float32."""


def largest_error(left: np.ndarray, right: np.ndarray, query: np.ndarray) -> float:
    """What one power iteration from `query` may lose of left @ right, a matrix M of rank r that travels as float32.

    Rounding makes M + E of it, with |E| ≤ u|M|. P spans (M + E)Q, so (I - PPᵀ)M = -(I - PPᵀ)EQ(BQ)⁻¹B, where B is
    `right`: what lies outside P is E times the norm κ of that oblique projection, and PPᵀE is lost inside. Rounding
    of P (unit columns, twice in PPᵀM) and of PᵀM costs 3u√r|M|, the product of the two r·u|M|.
    """
    rank = right.shape[0]
    oblique = np.linalg.norm(query @ np.linalg.inv(right @ query) @ right, 2)
    return U * float(np.linalg.norm(left @ right)) * (1 + oblique + 3 * rank**0.5 + rank)


@given(st.integers(0, 1000), st.integers(1, 4), st.integers(12, 30), st.integers(12, 30))
def test_matrices_of_low_rank_arrive_whole(seed: int, rank: int, rows: int, columns: int) -> None:
    random = np.random.default_rng(seed)
    left, right = random.standard_normal((rows, rank)), random.standard_normal((rank, columns))
    arrays = {"w": (left @ right).astype(np.float32)}
    blob, state = PowerSGD(rank).encode(arrays, {})
    decoded = PowerSGD(rank).decode(blob, Layout.of(arrays))["w"]
    bound = largest_error(left, right, first_query(0, columns, rank).astype(np.float64))
    assert np.abs(decoded - left @ right).max() <= bound
    assert np.abs(state["residual"]).max() <= bound
    assert len(blob) == 20 + 4 + 4 * rank * (rows + columns)


def test_a_warm_start_finds_the_best_approximation() -> None:
    matrix = np.random.default_rng(0).standard_normal((20, 15)).astype(np.float32)
    query = first_query(0, 15, 2)
    for _ in range(200):
        left, query = approximate(matrix, query)
    spectrum = np.linalg.svd(matrix, compute_uv=False)
    # What the iteration has not yet found shrinks by σ₃/σ₂ squared each time: nothing is left but float32's rounding.
    assert (spectrum[2] / spectrum[1]) ** 400 < U
    assert np.linalg.norm(matrix - left @ query.T) == pytest.approx(np.linalg.norm(spectrum[2:]), rel=1e-5)


@given(st.integers(0, 1000), st.integers(1, 6), st.integers(0, 3))
def test_columns_are_orthonormal_or_lost(seed: int, columns: int, repeated: int) -> None:
    P = np.random.default_rng(seed).standard_normal((8, columns))
    P = np.concatenate([P, P[:, :repeated] * 3.7], axis=1)
    product = orthonormal(P).T @ orthonormal(P)
    kept = np.diag([1.0] * columns + [0.0] * min(repeated, columns))
    np.testing.assert_allclose(product, kept, atol=1e-12)


def test_a_lost_column_is_drawn_anew() -> None:
    codec = PowerSGD(2, error_feedback=False)
    shape = (10, 10)
    _, state = codec.encode({"w": np.outer(np.arange(10), np.ones(10)).astype(np.float32)}, {})
    assert not state["query.0"][:, 1].any()
    random = np.random.default_rng(0)
    left, right = random.standard_normal((10, 2)), random.standard_normal((2, 10))
    decoded = codec.decode(codec.encode({"w": (left @ right).astype(np.float32)}, state)[0], Layout(("w",), (shape,)))
    query = np.stack([state["query.0"][:, 0], first_query(0, 10, 2)[:, 1]], axis=1).astype(np.float64)
    assert np.abs(decoded["w"] - left @ right).max() <= largest_error(left, right, query)


def test_zeros_stay_zeros() -> None:
    arrays = {"w": np.zeros((9, 9), np.float32)}
    delivery = PowerSGD(2).deliver(arrays, {})
    assert not delivery.arrays["w"].any()
    assert not delivery.state["residual"].any()


def test_what_would_not_shrink_travels_as_it_is() -> None:
    arrays = {"vector": message()["b"], "small": message()["w"][:2, :2], "scalar": message()["s"]}
    blob, state = PowerSGD(2).encode(arrays, {})
    assert same_bits(PowerSGD(2).decode(blob, Layout.of(arrays)), arrays)
    assert list(state) == ["residual"]


def test_another_rank_is_refused() -> None:
    blob, _ = PowerSGD(1).encode(message(), {})
    with pytest.raises(WireError, match="rank 1 where rank 2"):
        PowerSGD(2).decode(blob, Layout.of(message()))


def test_a_tensor_is_a_matrix_of_its_first_dimension() -> None:
    left, right = np.arange(1.0, 9)[:, None], np.arange(12.0)[None]
    values = (left @ right).reshape(8, 3, 4).astype(np.float32)
    found = PowerSGD(1).deliver({"t": values}, {}).arrays["t"]
    assert np.abs(found - values).max() <= largest_error(left, right, first_query(0, 12, 1).astype(np.float64))
