"""Sparse signs as bytes: the three forms, and how small they are."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.wire.codec import WireError
from fedasr.wire.packing.forms import FORM, FORMS, decode_sparse, encode_sparse, plan
from fedasr.wire.packing.gaps import best_k, decode_gaps, encode_gaps, gap_bytes, gaps_of
from fedasr.wire.packing.sparse import Sparse


def _sparse(elements: int, density: float, seed: int = 0) -> Sparse:
    random = np.random.default_rng(seed)
    indices = np.flatnonzero(random.random(elements) < density)
    return Sparse(indices, random.choice(np.int8([-1, 1]), indices.size))


def _joined(sparse: Sparse, elements: int, form: str) -> bytes:
    return b"".join(encode_sparse(sparse, np.float32(0.5), elements, plan(sparse, elements, form)))


@given(st.integers(0, 2000), st.floats(0, 1), st.integers(0, 1000), st.sampled_from([*FORMS, "auto"]))
def test_every_form_comes_back(elements: int, density: float, seed: int, form: str) -> None:
    sparse = _sparse(elements, density, seed)
    body = _joined(sparse, elements, form)
    assert len(body) == 16 + plan(sparse, elements, form).size
    decoded, threshold = decode_sparse(memoryview(body), elements)
    assert decoded.indices.tolist() == sparse.indices.tolist()
    assert decoded.signs.tolist() == sparse.signs.tolist()
    assert threshold == 0.5


@given(st.integers(0, 300), st.floats(0, 1), st.integers(0, 1000))
def test_automatic_is_the_smallest(elements: int, density: float, seed: int) -> None:
    sparse = _sparse(elements, density, seed)
    assert len(_joined(sparse, elements, "auto")) == min(len(_joined(sparse, elements, form)) for form in FORMS)


@pytest.mark.parametrize("density", [1e-2, 1e-3, 1e-4])
def test_size_is_within_5_percent_of_the_entropy(density: float) -> None:
    """Ten million values, with the 20 bytes of the common header."""
    elements, random = 10_000_000, np.random.default_rng(1)
    indices = np.unique(random.integers(0, elements, round(elements * density)))
    p = indices.size / elements
    bound = elements * (-p * math.log2(p) - (1 - p) * math.log2(1 - p) + p) / 8
    sparse = Sparse(indices, random.choice(np.int8([-1, 1]), indices.size))
    size = 20 + 16 + plan(sparse, elements).size
    assert bound < size < 1.05 * bound


@given(st.lists(st.integers(0, 5000), max_size=50).map(np.int64))
def test_no_other_remainder_is_much_smaller_and_k_is_a_local_optimum(gaps: np.ndarray) -> None:
    bits = [int((gaps >> k).sum()) + (k + 1) * gaps.size for k in range(16)]
    k = best_k(gaps)
    assert bits[k] == min(bits[max(k - 1, 0) : k + 2])


def test_geometric_gaps_get_the_remainder_of_theory() -> None:
    random = np.random.default_rng(0)
    for density in (0.3, 1e-2, 1e-3, 1e-4):
        gaps = random.geometric(density, 20_000) - 1
        assert abs(best_k(gaps) - math.log2(math.log(2) / density)) <= 1
        indices = np.cumsum(gaps + 1) - 1
        body = encode_gaps(gaps_of(indices), best_k(gaps))
        assert len(body) == gap_bytes(gaps, best_k(gaps))
        assert np.array_equal(decode_gaps(memoryview(body), gaps.size, best_k(gaps), int(indices[-1]) + 1), indices)


def test_words_are_the_published_ones() -> None:
    body = _joined(Sparse(np.int64([1, 5]), np.int8([1, -1])), 6, "words")
    assert body[16:] == b"\x01\x00\x00\x00\x05\x00\x00\x80"


def test_a_map_has_two_bits_a_value() -> None:
    body = _joined(Sparse(np.int64([0, 1, 4]), np.int8([1, -1, -1])), 5, "map")
    assert body[16:] == bytes([0b1001, 0b10])


def test_a_unary_section_comes_before_the_remainders() -> None:
    assert encode_gaps(np.int64([5, 2]), 1) == bytes([0b10100, 0b01])


def test_words_cannot_count_beyond_31_bits() -> None:
    with pytest.raises(WireError, match="golomb-rice"):
        plan(Sparse.empty(), 1 << 31, "words")
    assert plan(Sparse.empty(), 1 << 31).form == "golomb-rice"


def test_the_smallest_form_is_never_words_that_cannot_hold_the_position() -> None:
    """One position costs four bytes as a word and more as a gap, but its sign takes the word's last bit."""
    far = Sparse(np.int64([(1 << 31) - 1]), np.int8([-1]))
    assert plan(far, (1 << 31) - 1).form == "words"
    assert plan(far, 1 << 31).form == "golomb-rice"
    with pytest.raises(WireError, match="golomb-rice"):
        plan(far, 1 << 31, "words")
    beyond = Sparse(np.int64([1 << 31]), np.int8([-1]))
    body = _joined(beyond, (1 << 31) + 1, "auto")
    decoded, _ = decode_sparse(memoryview(body), (1 << 31) + 1)
    assert (decoded.indices.tolist(), decoded.signs.tolist()) == ([1 << 31], [-1])


@pytest.mark.parametrize("positions", [[1, 1], [2, 1], [0, 5, 5], [0, 6]])
def test_words_out_of_order_twice_or_beyond_the_layout_are_refused(positions: list[int]) -> None:
    words = np.array(positions, "<u4").tobytes()
    body = FORM.pack(FORMS["words"], 0, 0, 0.5, len(positions)) + words
    with pytest.raises(WireError, match="ascend"):
        decode_sparse(memoryview(body), 6)


@pytest.mark.parametrize("size", [0, 1, 4])
def test_fewer_bytes_than_signs_are_told_as_cut_short(size: int) -> None:
    body = FORM.pack(FORMS["golomb-rice"], 0, 0, 0.5, 40) + bytes(size)
    with pytest.raises(WireError, match=f"truncated: {size} bytes for 40 signs"):
        decode_sparse(memoryview(body), 80)


@pytest.mark.parametrize(
    ("body", "count", "k"),
    [
        (b"", 1, 0),
        (b"\x01", 0, 0),
        (b"\x03", 1, 0),
        (b"\x01\x00", 1, 0),
        (b"\x00\x01", 1, 0),
        (b"\x01", 9, 0),
        (b"\x02\x04", 1, 2),
        (b"\x04\x00", 1, 2),
        (b"\x01", 1, 60),
    ],
)
def test_positions_that_are_not_exactly_so_many_below_8_are_refused(body: bytes, count: int, k: int) -> None:
    with pytest.raises(WireError):
        decode_gaps(memoryview(body), count, k, 8)
