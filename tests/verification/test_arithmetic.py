"""The arithmetic of the checks against golden numbers and against the writers', which it does not share."""

import math

import jiwer
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedasr.comparison.intervals import rate_interval, ratio_interval
from fedasr.comparison.model_errors import ModelErrors
from fedasr.verification.arithmetic.divergences import least_epsilon, sampled_divergence
from fedasr.verification.arithmetic.hockey_stick import gaussian_delta, gaussian_epsilon
from fedasr.verification.arithmetic.levenshtein import edits
from fedasr.verification.arithmetic.loss_distribution import SampledSum, loss_epsilon
from fedasr.verification.arithmetic.pooled_rates import Estimate, rate, ratio

WORDS = st.lists(st.sampled_from("abcd"), max_size=12)


@given(WORDS.filter(len), WORDS)
def test_edits_are_those_of_jiwer(said: list[str], heard: list[str]) -> None:
    found, known = edits(said, heard), jiwer.process_words(" ".join(said), " ".join(heard))
    assert found.errors == known.insertions + known.deletions + known.substitutions
    assert found.surplus == known.insertions - known.deletions
    assert found.least_substitutions <= known.substitutions <= found.most_substitutions


def test_a_substitution_may_be_a_deletion_and_an_insertion() -> None:
    found = edits(list("ab"), list("bc"))
    assert (found.errors, found.least_substitutions, found.most_substitutions) == (2, 0, 2)


COUNTS = st.tuples(st.integers(0, 30), st.integers(0, 30))
SPEAKERS = st.dictionaries(st.sampled_from("pqrstuv"), COUNTS, min_size=1)


@given(st.lists(SPEAKERS, min_size=1, max_size=4), st.booleans(), st.data())
def test_rates_and_ratios_are_those_of_the_comparison(
    tested: list[dict[str, tuple[int, int]]], are_draws: bool, data: st.DataObject
) -> None:  # fmt: skip
    if not are_draws:  # seeds of one draw are tested on the same speakers
        tested = [{name: data.draw(COUNTS) for name in tested[0]} for _ in tested]
    others = [{name: data.draw(COUNTS) for name in one} for one in tested]
    first, second = ([_errors(place, one, are_draws) for place, one in enumerate(side)] for side in (tested, others))
    if not are_draws or len(tested) == 1:
        assert _equal(rate(tested), rate_interval(first))
    assert _equal(ratio(tested, others, [9] * len(tested)), ratio_interval(first, second))


def _errors(place: int, counts: dict[str, tuple[int, int]], is_draw: bool) -> ModelErrors:
    draw, seed = (place, 0) if is_draw else (0, place)
    return ModelErrors(draw, seed, tuple((name, *count) for name, count in counts.items()), 9)


def _equal(found: Estimate | None, known: object) -> bool:
    if found is None or known is None:
        return found is None and known is None
    ends = [(getattr(one, key) for key in ("value", "low", "high")) for one in (found, known)]
    # A sum of at most 28 products and its logarithm, half-widths up to 700: e^700 has 700 times the error of its power.
    return all(
        (a is None and b is None) or (a is not None and b is not None and math.isclose(a, b, rel_tol=1e-10))
        for a, b in zip(*ends, strict=True)
    )


@pytest.mark.parametrize(
    ("epsilon", "mu"),
    [(0.1, 0.0325), (0.5, 0.1422), (1, 0.2681), (2, 0.5016), (4, 0.9249), (8, 1.6660), (16, 2.9055), (32, 4.8796)],
)
def test_exact_composition_has_the_golden_values(epsilon: float, mu: float) -> None:
    # mu is known to half of its fourth digit
    assert gaussian_epsilon(mu - 6e-5, 1e-5) < epsilon < gaussian_epsilon(mu + 6e-5, 1e-5)


@given(st.floats(0.01, 8), st.floats(0, 30))
def test_the_integral_is_the_closed_form(mu: float, epsilon: float) -> None:
    from mpmath import mp, mpf, ncdf

    with mp.workdps(60):
        m, e = mpf(mu), mpf(epsilon)
        known = float(ncdf(-e / m + m / 2) - mp.exp(e) * ncdf(-e / m - m / 2))
    # Gauss and Legendre leave 1e-13, and the exponent of a density up to 1e-300 is known to 1e-13
    assert gaussian_delta(mu, epsilon) == pytest.approx(known, rel=1e-11, abs=1e-290)


@pytest.mark.parametrize(
    ("steps", "neighbour", "known"), [(1, -1.0, 1.789), (10, -1.0, 3.434), (10, 0.0, 2.8545)]
)  # fmt: skip
def test_sampled_sums_have_the_golden_values(steps: int, neighbour: float, known: float) -> None:
    # known to half of the last digit; the grid adds some millionths
    assert loss_epsilon((SampledSum(0.1, 1.0, steps),), 1e-5, neighbour) == pytest.approx(known, abs=6e-4)


@settings(max_examples=5)
@given(st.floats(0.3, 3), st.integers(1, 50))
def test_without_sampling_losses_compose_exactly(mu: float, count: int) -> None:
    found = loss_epsilon((SampledSum(1.0, math.sqrt(count) / mu, count),), 1e-5, 0.0)
    # the grid adds 4e-6 of the variance, half of which is the error of a deviation, times the 4.3 deviations of 1e-5
    assert found == pytest.approx(gaussian_epsilon(mu, 1e-5), rel=2e-5, abs=2e-5 * mu)


def test_rényi_divergences_have_the_golden_value() -> None:
    rate = 256 / 60000
    low, high = least_epsilon(lambda order: 14063 * sampled_divergence(order, rate, 1.12, 0.0), 1e-5)
    assert low == pytest.approx(2.92, abs=0.005)
    assert low <= high <= 1.001 * low


def test_the_divergence_of_gaussians_is_half_the_order_times_the_square() -> None:
    for order in (1.5, 2.0, 17.0):
        # a trapezoidal sum of some thousand terms
        assert sampled_divergence(order, 1.0, 0.5, 0.0) == pytest.approx(order * 2.0, rel=1e-11)
        assert np.isclose(sampled_divergence(order, 1.0, 0.5, -1.0), order * 8.0, rtol=1e-11, atol=0)
