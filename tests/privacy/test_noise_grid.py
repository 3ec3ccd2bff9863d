"""On a grid nothing is enlarged, and noise is the real one's, rounded."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fedasr.common.errors import RowError
from fedasr.privacy.noise import ReproducibleNoise
from fedasr.privacy.noise_grid import FINENESS, LARGEST_SUM, NoiseGrid

scales = st.floats(1e-6, 1e6)


@given(bound=scales, multiplier=st.floats(1e-4, 1e4), values=st.integers(1, 10**7))
def test_it_is_the_coarsest_power_of_two_that_is_fine_enough(bound: float, multiplier: float, values: int) -> None:
    grid = NoiseGrid.fine_enough(multiplier * bound, bound, values)
    worst = math.sqrt(values) * grid.step
    assert worst <= bound / FINENESS * (1 + 1e-9) <= bound / 100
    assert 2 * worst > bound / FINENESS * (1 - 1e-9)
    assert Fraction(grid.step) * Fraction(2) ** grid.places == Fraction(grid.scale)


@given(
    x=arrays(np.float64, st.integers(1, 40), elements=st.floats(-1, 1)), multiplier=st.floats(1e-3, 1e3), bound=scales
)
def test_no_contribution_is_longer_than_its_bound_in_real_numbers(
    x: np.ndarray, multiplier: float, bound: float
) -> None:
    """Neither against C nor against σ/z, which σ = z·C, rounded, may differ from."""
    norm = float(np.linalg.norm(x)) or 1.0
    clipped = {"a": x[:1] / norm * bound, "b": x[1:] / norm * bound}
    grid = NoiseGrid.fine_enough(multiplier * bound, bound, x.size)
    steps = grid.contribution(clipped, bound)
    found = sum(int(step) ** 2 for part in steps.values() for step in part) * Fraction(grid.step) ** 2
    assert found <= Fraction(bound) ** 2
    assert found * Fraction(multiplier) ** 2 <= Fraction(grid.scale) ** 2
    for name, part in steps.items():
        assert (part == np.trunc(part)).all()
        assert (np.abs(part * grid.step) <= np.abs(clipped[name])).all()
        assert (np.abs(part * grid.step - clipped[name]) <= 2 * grid.step + 1e-6 * np.abs(clipped[name])).all()


@pytest.mark.parametrize("over", [1.0, 1 + 1e-12, 1 + 1e-9, 1.001, 1.01])
def test_what_a_rounding_left_too_long_is_made_shorter(over: float) -> None:
    grid = NoiseGrid.fine_enough(3.0, 1.0, 3)
    steps = grid.contribution({"a": np.array([0.6, 0.0, -0.8]) * over}, 1.0)["a"]
    assert sum(int(step) ** 2 for step in steps) * Fraction(grid.step) ** 2 <= 1
    assert np.abs(steps).sum() * grid.step > 1.39


@given(steps=st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=20), places=st.integers(0, 40))
def test_noise_moves_with_what_it_is_added_to(steps: list[int], places: int) -> None:
    """The same draw beside any neighbour gives an output that is as far off, so each reaches what the other does."""
    grid = NoiseGrid(1.0, places)
    one = grid.noisy(np.array(steps), ReproducibleNoise(3))
    other = grid.noisy(np.zeros(len(steps)), ReproducibleNoise(3))
    np.testing.assert_array_equal((one - other) / grid.step, steps)


@pytest.mark.parametrize("long", [2.0**31, 2.0**40, 1e31, np.inf])
def test_a_contribution_whose_square_64_bits_do_not_hold_is_refused(long: float) -> None:
    """Squares that wrap round may look short."""
    grid = NoiseGrid(1.0, 0)
    for one in (np.array([2 * long, 0.0]), np.full(16, long)):
        with pytest.raises(RowError, match="64 bits"):
            grid.contribution({"a": one}, 100.0)


def test_without_an_exact_sum_nothing_is_summed() -> None:
    with pytest.raises(RowError, match="no exact sum"):
        NoiseGrid.fine_enough(1e12, 1.0, 100)
    with pytest.raises(RowError, match="no exact sum"):
        NoiseGrid.fine_enough(1.0, 1.0, 1, contributions=2**44)
    with pytest.raises(RowError, match="no exact sum"):
        NoiseGrid.fine_enough(1e-300, 1e-300, 1)
    grid = NoiseGrid.fine_enough(1.0, 1.0, 10_000, contributions=10**6)
    assert 10**6 / grid.step <= LARGEST_SUM
