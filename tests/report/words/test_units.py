from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.report.pictures.drawing.labels import spread
from fedasr.report.words.units import (
    at_least_text,
    bytes_text,
    count_text,
    epsilon_text,
    listing,
    percent,
    seconds_text,
)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1234, "1.2 kB"), (999_600, "1 MB"),
     (4.1e9, "4.1 GB"), (5e18, "5000 PB")],
)  # fmt: skip
def test_bytes_keep_their_magnitude(count: float, text: str) -> None:
    assert bytes_text(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.25, "250 ms"), (4.24, "4.2 s"), (59.7, "1 min"), (200, "3 min 20 s"), (3599.9, "1 h"),
     (5400, "1 h 30 min"), (86_390, "1 d"), (90_000, "1 d 1 h")],
)  # fmt: skip
def test_durations_take_two_units(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


def test_words() -> None:
    assert percent(0.1234) == "12.3"
    assert [count_text(1, "silo"), count_text(1000, "silo")] == ["1 silo", "1,000 silos"]
    assert [listing(["a"]), listing(["a", "b", "c"])] == ["a", "a, b and c"]


def test_spread_keeps_order_gap_and_limits() -> None:
    moved = spread([0.98, 0.5, 0.99, 0.51], 0.1)
    ranked = sorted(moved)
    assert sorted(range(4), key=lambda index: moved[index]) == [1, 3, 0, 2]
    assert all(high - low >= 0.1 - 1e-9 for low, high in pairwise(ranked))
    assert ranked[0] >= 0
    assert ranked[-1] <= 1
    assert moved[1] == 0.5


@given(st.floats(min_value=1e-12, max_value=1e12))
def test_no_epsilon_is_printed_smaller_and_no_noise_larger_than_it_is(value: float) -> None:
    exact, above, below = Decimal(repr(value)), Decimal(epsilon_text(value)), Decimal(at_least_text(value))
    assert below <= exact <= above
    assert above - exact < exact / 100
    assert exact - below < exact / 100
    assert max(len(text.split("e")[0].replace(".", "").strip("0")) for text in (f"{above:e}", f"{below:e}")) <= 3


@pytest.mark.parametrize(
    ("epsilon", "text"),
    [(0.0, "0"), (3.2, "3.2"), (3.201, "3.21"), (7.1533, "7.16"), (999.1, "1000"), (99.999, "100"), (1e-5, "1e-5"),
     (1.001e-5, "1.01e-5"), (60_500_115.1, "6.06e7"), (float("inf"), "∞")],
)  # fmt: skip
def test_epsilon_is_rounded_up_at_its_last_digit(epsilon: float, text: str) -> None:
    assert epsilon_text(epsilon) == text
