"""The index that grows while a shard is written."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fedasr.training.targets.rows import Rows

HALVES = st.integers(0, 2**64 - 1) | st.integers(0, 3)


@given(st.lists(st.tuples(HALVES, HALVES)))
def test_rows_come_back_sorted_each_hash_once(hashes: list[tuple[int, int]]) -> None:
    rows, expected = Rows(), dict[tuple[int, int], tuple[int, int, int]]()
    for number, halves in enumerate(hashes):
        row = (10 * number, number, 7 * number)
        assert rows.add(*halves, *row) == (halves not in expected)
        expected.setdefault(halves, row)
    assert len(rows) == len(expected)
    assert rows.frames == sum(frames for _, frames, _ in expected.values())
    found = list(zip(*(column.tolist() for column in rows.sorted_columns()), strict=True))
    assert found == [(*halves, *row) for halves, row in sorted(expected.items())]
    assert [column.dtype for column in rows.sorted_columns()] == ["<u8", "<u8", "<u8", "<u4", "<u4"]


def test_many_rows_are_told_apart() -> None:
    """More than the places for them are at first; every hash falls on the same place at first."""
    rows, hashes = Rows(), [(number << 12, number) for number in range(3000)]
    assert all(rows.add(*halves, 0, 1, 0) for halves in hashes)
    assert not any(rows.add(*halves, 0, 1, 0) for halves in hashes)
    np.testing.assert_array_equal(rows.sorted_columns()[1], np.arange(3000))
