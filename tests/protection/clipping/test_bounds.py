"""Bounds of blocks of parameters."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.draws import examples

from fedasr.common.errors import UserError
from fedasr.protection.clipping.bounds import SPLITS, BoundedBlock, Bounds

SIZES = {"a": 8, "b": 0, "c": 1, "d": 16}


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 10**7), min_size=1, max_size=30), st.floats(0, 1e6))
@examples(50)
def test_bounds_of_layers_are_as_long_together_as_the_one_they_divide(sizes: dict[str, int], clip_norm: float) -> None:
    for split in SPLITS:
        bounds = Bounds.per_layer(sizes, clip_norm, split)
        assert bounds.sensitivity == pytest.approx(clip_norm, rel=1e-12)
        assert [block.names for block in bounds.blocks] == [(name,) for name in sizes]
    assert Bounds.of_all(sizes, clip_norm).sensitivity == clip_norm


def test_bounds_are_divided_by_size_or_equally() -> None:
    by_size = {block.names[0]: block.bound for block in Bounds.per_layer(SIZES, 5.0).blocks}
    assert by_size == pytest.approx({"a": 5 * math.sqrt(8 / 25), "b": 0.0, "c": 1.0, "d": 4.0})
    equal = {block.names[0]: block.bound for block in Bounds.per_layer(SIZES, 5.0, "equal").blocks}
    assert equal == pytest.approx(dict.fromkeys(SIZES, 2.5))


def test_an_infinite_bound_is_infinite_in_every_layer() -> None:
    assert {block.bound for block in Bounds.per_layer(SIZES, math.inf, "equal").blocks} == {math.inf}
    assert Bounds.per_layer(SIZES, math.inf).sensitivity == math.inf


@pytest.mark.parametrize("bound", [math.nan, -1.0])
def test_what_is_no_bound_is_refused(bound: float) -> None:
    with pytest.raises(UserError, match=r"clip_norm = .*: must be at least 0"):
        BoundedBlock(("a",), bound)
