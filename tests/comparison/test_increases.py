from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from support.counted_errors import counted, drawn, known

from fedasr.comparison.increases import increase_interval
from fedasr.comparison.intervals import ratio_interval


def test_above_nothing_it_is_the_ratio() -> None:
    ones, others = counted(drawn(1)), counted(drawn(2))
    none = counted(np.zeros((3, 10), int))
    assert known(increase_interval(ones, others, none)) == pytest.approx(known(ratio_interval(ones, others)), rel=1e-12)


def test_one_training_has_the_jackknifes_interval() -> None:
    """Another route: each speaker left out, pseudo-values of the log, Student's t (Miller 1974)."""
    ones, others, floor = (drawn(seed, seeds=1)[0] + more for seed, more in ((1, 20), (2, 40), (3, 0)))
    share = lambda keep: (ones - floor)[keep].sum() / (others - floor)[keep].sum()  # noqa: E731
    every = np.ones(10, bool)
    left_out = [math.log(share(every & (np.arange(10) != one))) for one in range(10)]
    deviation = math.sqrt(9 / 10 * sum((one - np.mean(left_out)) ** 2 for one in left_out))
    value, low, high = known(increase_interval(counted(ones), counted(others), counted(floor)))
    assert value == pytest.approx(share(every))
    half = stats.t.ppf(0.975, 9) * deviation
    assert (math.log(high / value), math.log(value / low)) == pytest.approx((half, half), rel=0.15)


@pytest.mark.parametrize("seed", range(5))
def test_its_ends_turn_round_with_the_rows(seed: int) -> None:
    ones, others, floor = counted(drawn(seed) + 8), counted(drawn(seed + 10) + 8), counted(drawn(seed + 20) // 4)
    (value, low, high) = known(increase_interval(ones, others, floor))
    assert known(increase_interval(others, ones, floor)) == pytest.approx((1 / value, 1 / high, 1 / low))


def test_errors_that_all_three_rows_share_change_neither_share_nor_interval() -> None:
    """Beside the same errors for the same words of every row, only the increases are left."""
    ones, others, floor, shared = drawn(1) + 6, drawn(2) + 9, drawn(3) // 4, drawn(4)
    without = increase_interval(counted(ones), counted(others), counted(floor))
    beside = increase_interval(counted(ones + shared), counted(others + shared), counted(floor + shared))
    assert known(beside) == pytest.approx(known(without), rel=1e-9)


def test_a_row_below_the_floor_has_no_share() -> None:
    high, low = counted(np.full((3, 10), 9)), counted(np.full((3, 10), 3))
    assert increase_interval(low, high, high) is None
    assert increase_interval(high, low, high) is None
    assert increase_interval(high, high, low) is not None


def test_an_interval_holds_what_it_is_of() -> None:
    """A hundred experiments with a known share of a half: about 95 of 100 intervals hold it, never below 88."""
    dice = np.random.default_rng(5)
    held = 0
    for _ in range(100):
        hard = np.exp(dice.normal(0, 0.4, 24))
        words = np.full(24, 80)
        errors = [dice.poisson(rate * hard * 80, (3, 24)) for rate in (0.06, 0.10, 0.02)]
        _, low, high = known(increase_interval(*(counted(one, words) for one in errors)))
        held += low <= 0.5 <= high
    assert held >= 88
