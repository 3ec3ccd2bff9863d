from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import optimize, stats
from support.counted_errors import WORDS, counted, drawn, known

from fedasr.comparison.intervals import Interval, half_width, rate_interval, ratio_interval, wer_interval
from fedasr.comparison.model_errors import ModelErrors, Training, trainings
from fedasr.comparison.scatter import Scatter, influences, scatter


def test_one_model_has_the_t_interval_over_speakers_of_the_log_of_a_ratio_of_means() -> None:
    """The variance of a ratio estimator (Cochran 1977, section 6.3), by the rate squared, times S / (S − 1)."""
    errors = drawn(1, seeds=1)[0]
    rate, count = errors.sum() / WORDS.sum(), len(errors)
    variance = ((errors - rate * WORDS) ** 2).sum() * count / (count - 1) ** 2 / count / WORDS.mean() ** 2
    half = stats.t.ppf(0.975, count - 1) * math.sqrt(variance) / rate
    assert known(rate_interval(counted(errors))) == pytest.approx(
        (rate, rate * math.exp(-half), rate * math.exp(half)), rel=1e-12
    )


def test_the_interval_of_a_ratio_is_that_of_paired_differences() -> None:
    ones, others = drawn(1, seeds=1)[0], drawn(2, seeds=1)[0]
    moved = ones / ones.sum() - others / others.sum()
    half = stats.t.ppf(0.975, 9) * math.sqrt(10 * 10 / 9) * moved.std(ddof=1)
    ratio = ones.sum() / others.sum()
    assert known(ratio_interval(counted(ones), counted(others))) == pytest.approx(
        (ratio, ratio * math.exp(-half), ratio * math.exp(half)), rel=1e-12
    )


def test_crossed_variances_are_those_of_a_mixed_model() -> None:
    """Restricted maximum likelihood of a model of crossed random effects, found by a general optimiser."""
    errors = drawn(3, seeds=4, speakers=8, deviation=0.4)
    parts = trainings(counted(errors))
    moved = influences(parts)
    assert moved is not None
    found = scatter(parts, moved)
    assert found is not None
    scaled = np.stack(moved) * errors.size  # so its mean has the variance of the sum of influences

    seeds, speakers = (np.kron(np.eye(4), np.ones((8, 1))), np.kron(np.ones((4, 1)), np.eye(8)))

    def minus_likelihood(logs: NDArray[np.float64]) -> float:
        seed, speaker, rest = np.exp(logs)
        covariance = seed * seeds @ seeds.T + speaker * speakers @ speakers.T + rest * np.eye(32)
        inverse = np.linalg.inv(covariance)
        ones, y = np.ones(32), scaled.ravel()
        weight = float(ones @ inverse @ ones)
        centred = y - float(ones @ inverse @ y) / weight
        return 0.5 * (np.linalg.slogdet(covariance)[1] + math.log(weight) + float(centred @ inverse @ centred))

    best = optimize.minimize(minus_likelihood, np.log([0.1, 0.1, 0.1]), method="Nelder-Mead", options={"xatol": 1e-7})
    seed, speaker, rest = np.exp(best.x)
    expected = seed / 4 + speaker / 8 + rest / 32
    assert found.trainings > found.rest, "the example must have training noise, or the estimates are at a border"
    assert found.speakers * 7 / 8 + found.trainings - found.rest == pytest.approx(expected, rel=1e-3)


@given(st.integers(0, 10**6), st.integers(2, 5))
def test_ends_of_a_ratio_turn_round_with_the_rows(seed: int, seeds: int) -> None:
    ones, others = counted(drawn(seed, seeds)), counted(drawn(seed + 1, seeds))
    there, back = ratio_interval(ones, others), ratio_interval(others, ones)
    if there is None or back is None:
        assert there is back
        return
    value, low, high = known(there)
    assert known(back) == pytest.approx((1 / value, 1 / high, 1 / low), rel=1e-9)


@given(st.integers(0, 10**6))
def test_the_order_of_speakers_and_seeds_changes_nothing(seed: int) -> None:
    errors, dice = drawn(seed), np.random.default_rng(seed)
    order = dice.permutation(10)
    shuffled = counted(errors[:, order], WORDS[order], [f"speaker{n}" for n in order])
    assert known(rate_interval(shuffled[::-1])) == pytest.approx(known(rate_interval(counted(errors))), rel=1e-12)


def test_a_row_beside_itself_is_equal_and_nothing_is_decided() -> None:
    rows = counted(drawn(5))
    found = ratio_interval(rows, rows)
    assert known(found) == (1.0, 1.0, 1.0)
    assert found is not None
    assert not found.is_decided


def test_an_interval_is_never_narrower_than_that_over_speakers_alone() -> None:
    for seed in range(40):
        parts = trainings(counted(drawn(seed, deviation=0.0)))
        found = scatter(parts, influences(parts) or [])
        assert found is not None
        alone = stats.t.ppf(0.975, 9) * math.sqrt(found.speakers)
        assert half_width(found) >= alone * (1 - 1e-12)


def test_noise_of_training_widens_the_interval() -> None:
    steady, noisy = Scatter(0.01, 20, 0.001, 2, 0.001), Scatter(0.01, 20, 0.011, 2, 0.001)
    t20, t2 = stats.t.ppf(0.975, 20), stats.t.ppf(0.975, 2)
    assert half_width(steady) == pytest.approx(t20 * 0.1)
    assert half_width(noisy) == pytest.approx(math.sqrt(t20**2 * 0.01 + t2**2 * 0.01))


@pytest.mark.parametrize(("seeds", "decided"), [(1, False), (2, False), (3, True), (5, True)])
def test_a_winner_needs_three_trainings(seeds: int, decided: bool) -> None:
    """Whatever the difference: one row makes half of the other's errors, on every speaker and by every seed."""
    errors = np.tile(np.array([8, 12, 20, 30, 10, 6, 16, 24, 14, 18]), (seeds, 1))
    found = ratio_interval(counted(errors), counted(2 * errors))
    assert known(found)[0] == 0.5
    assert found is not None
    assert found.is_decided is decided
    assert found.trainings == seeds


def test_draws_with_speakers_of_their_own_are_nested() -> None:
    """By hand: two levels, the textbook's one-way analysis of variance on influences."""
    errors = [drawn(n, 1)[0] for n in (1, 2, 3)]
    rows = [
        one for n, e in enumerate(errors) for one in counted(e, names=[f"{n}/{s}" for s in range(10)], draw=n)
    ]  # fmt: skip
    found = rate_interval(rows)
    value, low, high = known(found)
    assert found is not None
    assert (found.trainings, found.draws, found.speakers) == (3, 3, 30)
    assert value == np.sum(errors) / (3 * WORDS.sum())
    moved = np.array([(e - value * WORDS) / np.sum(errors) for e in errors])
    within = 30 * moved.var(axis=1, ddof=1).mean() * 30 / 29
    between = 3 * moved.sum(1).var(ddof=1)
    t = (stats.t.ppf(0.975, 27), stats.t.ppf(0.975, 2))
    half = t[0] * math.sqrt(within) if between <= within else t[1] * math.sqrt(between)
    assert (low, high) == pytest.approx((value * math.exp(-half), value * math.exp(half)), rel=1e-12)


def test_draws_that_share_speakers_are_widened_and_need_the_number_trained_on() -> None:
    """Nadeau and Bengio (2003): 1/D + tested/trained in the place of 1/D."""
    names = [[f"s{n}" for n in range(start, start + 10)] for start in (0, 5, 10)]
    errors = [np.round(drawn(1, 1)[0] * factor).astype(int) for factor in (0.3, 1.0, 2.5)]

    def rows(trained: int | None) -> list[ModelErrors]:
        return [
            one for draw, e in enumerate(errors)
            for one in counted(e, names=names[draw], draw=draw, training_speakers=trained)
        ]  # fmt: skip

    unknown = rate_interval(rows(None))
    assert unknown is not None
    assert unknown.low is None
    value, low, high = known(rate_interval(rows(40)))
    moved = [((e - value * WORDS) / np.sum(errors)).sum() for e in errors]
    variance = np.var(np.array(moved) * 3, ddof=1) * (1 / 3 + 10 / 40)
    assert math.log(high / low) / 2 == pytest.approx(stats.t.ppf(0.975, 2) * math.sqrt(variance), rel=1e-12)


def test_draws_of_one_test_set_are_crossed() -> None:
    errors = drawn(6)
    seeds = rate_interval(counted(errors))
    draws = rate_interval([one for n, e in enumerate(errors) for one in counted(e, draw=n)])
    assert known(draws) == known(seeds)
    assert draws is not None
    assert (draws.draws, draws.trainings) == (3, 3)


def test_seeds_of_several_draws_are_added_up() -> None:
    names = [[f"{n}/{s}" for s in range(10)] for n in range(3)]
    each = [drawn(n, 2) for n in range(3)]
    both = [one for n, e in enumerate(each) for one in counted(e, names=names[n], draw=n)]
    once = [one for n, e in enumerate(each) for one in counted(e.sum(0), 2 * WORDS, names=names[n], draw=n)]
    assert known(rate_interval(both)) == pytest.approx(known(rate_interval(once)), rel=1e-12)
    found = rate_interval(both)
    assert found is not None
    assert found.trainings == 3


def test_only_trainings_of_both_rows_are_paired() -> None:
    ones, others = counted(drawn(1)), counted(drawn(2))
    assert known(ratio_interval(ones[:2], others)) == known(ratio_interval(ones[:2], others[:2]))
    assert ratio_interval(ones[:1], others[1:]) is None


def test_rows_tested_on_other_speakers_are_not_paired() -> None:
    assert ratio_interval(counted(drawn(1)), counted(drawn(2), names=[f"other{n}" for n in range(10)])) is None


def test_no_error_has_a_high_end_and_no_ratio() -> None:
    none = counted(np.zeros((3, 10), int))
    value, low, high = known(rate_interval(none))
    assert (value, low) == (0, 0)
    assert stats.binom.cdf(0, WORDS.sum(), high) == pytest.approx(0.025)
    assert ratio_interval(none, counted(drawn(1))) is None
    assert ratio_interval(counted(drawn(1)), none) is None


def test_one_speaker_has_a_rate_and_no_interval() -> None:
    for errors in ([[5], [6], [9]], [[0]]):
        found = rate_interval(counted(errors, words=100))
        assert found is not None
        assert found.low is None
        assert not found.is_decided
    assert rate_interval(counted([[0, 0]], words=0)) is None


def test_speakers_who_say_nothing_change_nothing() -> None:
    errors = drawn(7)
    silent = counted(np.pad(errors, ((0, 0), (0, 2))), words=np.pad(WORDS, (0, 2)))
    assert known(rate_interval(silent)) == known(rate_interval(counted(errors)))
    assert known(ratio_interval(silent, silent)) == (1, 1, 1)


def test_a_speaker_without_an_error_counts() -> None:
    errors = np.array([0, 9, 17, 9, 6, 1, 3, 3, 6, 4])
    _, low, _ = known(rate_interval(counted(errors)))
    _, narrow_low, narrow_high = known(rate_interval(counted(errors[1:], WORDS[1:])))
    assert low < narrow_low < narrow_high


def test_word_inserted_where_none_was_said_counts() -> None:
    errors, words = np.array([5, 7, 9, 3]), np.array([70, 80, 90, 0])
    found = rate_interval(counted(errors, words))
    assert found is not None
    assert (found.value, found.speakers) == (24 / 240, 4)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 100)), min_size=0, max_size=12))
def test_any_counts_have_an_interval_around_the_rate_or_none(counts: list[tuple[int, int]]) -> None:
    rows = [ModelErrors(0, 1, tuple((str(n), errors, words) for n, (errors, words) in enumerate(counts)))]
    found = rate_interval(rows)
    if found is None:
        assert not sum(words for _, words in counts)
    elif found.low is not None and found.high is not None:
        assert 0 <= found.low <= found.value <= found.high


def test_one_model_alone_is_the_same_interval() -> None:
    class Count:
        def __init__(self, errors: int, words: int) -> None:
            self.errors, self.words = errors, words

    errors = drawn(8, 1)[0]
    alone = wer_interval([Count(int(e), int(w)) for e, w in zip(errors, WORDS, strict=True)])
    assert alone == known(rate_interval(counted(errors)))[1:]
    assert wer_interval([Count(3, 30)]) is None


def test_seeds_of_a_draw_tested_on_other_speakers_have_a_rate_without_an_interval() -> None:
    rows = [*counted(drawn(1, 1)), *counted(drawn(1, 2), names=[f"other{n}" for n in range(10)])[1:]]
    errors, words = (sum(entry[place] for row in rows for entry in row.errors) for place in (1, 2))
    assert rate_interval(rows) == Interval(errors / words, None, None, 2, 1, 20)
    assert ratio_interval(rows, rows) is None
    with pytest.raises(ValueError, match="different speakers"):
        trainings(rows)


def test_influences_move_the_log_of_the_rate() -> None:
    """A word more or less heard right: the first-order change of log R, by finite differences."""
    errors = drawn(9, 1)[0].astype(float) + 50

    def log_rate(counted: NDArray[np.float64]) -> float:
        return math.log(counted.sum() / WORDS.sum())

    moved = influences([Training(tuple("abcdefghij"), errors, WORDS.astype(float))])
    assert moved is not None
    slope = [(log_rate(errors + 1e-6 * np.eye(10)[n]) - log_rate(errors)) / 1e-6 for n in range(10)]
    expected = (errors - errors.sum() / WORDS.sum() * WORDS) * np.array(slope)
    np.testing.assert_allclose(moved[0], expected, rtol=1e-5)


def test_speakers_who_are_alike_by_chance_give_no_interval_of_no_width() -> None:
    """Two speakers, each 3 of 9: the t interval over them would be a point."""
    value, low, high = known(rate_interval(counted([3, 3], words=9)))
    half = stats.t.ppf(0.975, 1) * math.sqrt((1 - value) / 6)
    assert (low, high) == pytest.approx((value * math.exp(-half), value * math.exp(half)))
