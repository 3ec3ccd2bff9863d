"""The intervals hold what they are of as often as they say: `benchmarks/coverage.py` on a small scale."""

from __future__ import annotations

import numpy as np
import pytest
from support.scripts import script

SCRIPT = script("coverage")
measured = SCRIPT.measured
RATE, LIKE, UNLIKE = SCRIPT.REAL
RUNS = 600


@pytest.mark.parametrize("case", [RATE, LIKE], ids=["rate", "ratio"])
@pytest.mark.parametrize(
    ("speakers", "seeds", "deviation"), [(10, 1, 0.25), (10, 3, 0.25), (30, 3, 0.1), (20, 5, 0.25)]
)
def test_they_cover(case: object, speakers: int, seeds: int, deviation: float) -> None:
    """At least 92.5%, less three standard errors of 600 runs (1.1% each); at most 99.5%: they are not merely wide."""
    found = measured(case, speakers, seeds, deviation, RUNS, np.random.default_rng(1))
    assert 0.925 - 3 * 0.011 <= found.covered <= 0.995


@pytest.mark.parametrize("case", [RATE, LIKE, UNLIKE], ids=["rate", "like", "unlike"])
def test_they_are_little_wider_where_seeds_do_not_differ(case: object) -> None:
    found = measured(case, 20, 3, 0.0, 200, np.random.default_rng(2))
    assert 1 <= found.width <= 1.3


def test_an_interval_over_speakers_alone_would_not_cover_seeds() -> None:
    """What the noise of training costs: with seeds that differ by a quarter the interval must be far wider."""
    assert measured(LIKE, 30, 3, 0.25, 200, np.random.default_rng(3)).width > 2
