from __future__ import annotations

from itertools import pairwise

import pytest

from fedasr.report.canvas import spread
from fedasr.report.units import bytes_text, count_text, listing, percent, seconds_text


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
