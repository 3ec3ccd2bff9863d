"""The check of agreement, and the answer behind it: weighted teachers are hidden by noise in proportion."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fedasr.privacy.accounting.vote_costs import spent_on
from fedasr.privacy.mechanisms.confident_max import ConfidentGNMax, ThresholdCheck

ORDERS = np.array([1.5, 2.0, 8.0, 32.0])
weights = st.floats(0.1, 10).filter(lambda w: abs(w - 1) > 0.05)
sigmas = st.floats(3, 60)
VOTES = np.array([[60.0, 20.0, 5.0], [45.0, 40.0, 0.0], [85.0, 0.0, 0.0]])


@given(weights, sigmas, st.floats(-10, 90))
def test_a_check_depends_on_noise_and_threshold_in_units_of_the_largest_weight(
    weight: float, sigma: float, threshold: float
) -> None:
    plain = ThresholdCheck(threshold, sigma)
    scaled = ThresholdCheck(weight * threshold, weight * sigma, weight)
    largest = VOTES.max(1)
    for adjacency in ("replace-one", "add-remove"):
        np.testing.assert_allclose(scaled.rdp(ORDERS, adjacency), plain.rdp(ORDERS, adjacency), rtol=1e-9)  # type: ignore[arg-type]
        assert scaled.sensitivity(adjacency) == weight  # type: ignore[arg-type]
    log_q = plain.log_q(largest)
    np.testing.assert_allclose(scaled.log_q(weight * largest), log_q, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(scaled.bound(log_q, ORDERS), plain.bound(log_q, ORDERS), rtol=1e-6, atol=1e-12)


@given(weights, sigmas, sigmas, st.floats(0, 90))
def test_votes_that_count_double_cost_the_same_behind_double_noise(
    weight: float, sigma: float, check: float, threshold: float
) -> None:
    plain = ConfidentGNMax(sigma, threshold, check)
    scaled = ConfidentGNMax(weight * sigma, weight * threshold, weight * check, weight)
    np.testing.assert_allclose(scaled.rdp(ORDERS, "replace-one"), plain.rdp(ORDERS, "replace-one"), rtol=1e-9)
    mine, theirs = (
        spent_on(mechanism, votes, "replace-one", ORDERS).total
        for mechanism, votes in ((plain, VOTES), (scaled, weight * VOTES))
    )
    np.testing.assert_allclose(theirs.data_independent, mine.data_independent, rtol=1e-6)
    np.testing.assert_allclose(theirs.data_dependent, mine.data_dependent, rtol=1e-5, atol=1e-12)
