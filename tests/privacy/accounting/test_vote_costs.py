"""What votes cost: golden values, an independent computation, and what must hold for all votes."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support import reference
from support.draws import examples
from support.tolerance import of_a_share

from fedasr.common.errors import UserError
from fedasr.privacy.accounting.bounds import gaussian_bound, laplace_bound, summed
from fedasr.privacy.accounting.conversion import INTEGER_ORDERS, ORDERS, epsilon_of
from fedasr.privacy.accounting.vote_costs import checked_votes, load_votes, spent_on
from fedasr.privacy.mechanisms.confident_max import ABSTAINED, ConfidentGNMax, ThresholdCheck
from fedasr.privacy.mechanisms.noisy_max import GNMax, LNMax
from fedasr.privacy.noise import ReproducibleNoise

GOLDEN = {
    (250,): (0.5523, 5.32132e-05, -10.019228),
    (220, 30): (1.1981, 6.02997e-04, -7.138482),
    (200, 50): (2.9919, 2.90776e-03, -5.179152),
    (150, 100): (5.9959, 1.25e-02, -1.512224),
}
orders_shown = np.array([2.0, 3.5, 8.0, 20.0, 32.0, 100.0])
votes_of = st.integers(2, 6).flatmap(
    lambda classes: st.lists(st.lists(st.integers(0, 300), min_size=classes, max_size=classes), min_size=1, max_size=4)
)


def equal_votes(counts, votes=1000, classes=10):
    return np.tile(list(counts) + [0] * (classes - len(counts)), (votes, 1))


def epsilon(curve, delta=1e-5):
    return epsilon_of(ORDERS, curve, delta)


@pytest.mark.parametrize(("counts", "golden"), GOLDEN.items())
def test_gnmax_golden_values(counts, golden):
    votes, mechanism = equal_votes(counts), GNMax(40.0)
    spent = spent_on(mechanism, votes, "replace-one").total
    published, per_vote, log_q = golden
    assert published * 0.9 <= epsilon(spent.data_dependent) <= published + 5e-5  # the published one has four decimals
    assert spent_on(mechanism, votes[:1], "replace-one", np.array([20.0])).total.data_dependent[0] == pytest.approx(
        per_vote, rel=2e-6
    )
    assert mechanism.log_q(votes[:1])[0] == pytest.approx(log_q, abs=1e-6)
    assert epsilon(spent.data_independent) == pytest.approx(5.9899, abs=1e-3)


def test_no_order_of_the_reference_is_missed():
    """Any curve gives an ε no larger than at the orders that the published analysis searches."""
    searched = np.concatenate([np.arange(2, 100.5, 0.5), np.logspace(2, np.log10(500), 100)])
    for sigma in (20.0, 40.0, 160.0, 900.0):
        assert epsilon(700 * ORDERS / sigma**2) <= epsilon_of(searched, 700 * searched / sigma**2, 1e-5) + 1e-9


@pytest.mark.parametrize(("counts", "golden"), [((250,), 0.263), ((220, 30), 0.380), ((200, 50), 0.556)])
def test_lnmax_golden_values(counts, golden):
    spent = spent_on(LNMax(20.0), equal_votes(counts, 100), "replace-one").total
    assert epsilon(spent.data_dependent) == pytest.approx(golden, abs=1e-3)
    whole = spent_on(LNMax(20.0), equal_votes(counts, 100), "replace-one", INTEGER_ORDERS).total.data_independent
    assert epsilon_of(INTEGER_ORDERS, whole, 1e-5) == pytest.approx(5.303, abs=1e-3)


@given(votes_of, st.floats(1, 200))
@examples(150)
def test_gnmax_equals_the_formulas(votes, sigma):
    assume(all(reference.q_gaussian(row, sigma) > 1e-300 for row in votes))
    got = spent_on(GNMax(sigma), np.array(votes), "replace-one", orders_shown).total
    for order, bound in zip(orders_shown, got.data_dependent, strict=True):
        want = sum(reference.rdp_gaussian(reference.q_gaussian(row, sigma), sigma, order) for row in votes)
        assert bound == pytest.approx(want, rel=1e-6, abs=1e-13)
    assert got.data_independent == pytest.approx(len(votes) * orders_shown / sigma**2, rel=1e-12)


@given(votes_of, st.floats(2, 200))
@examples(150)
def test_lnmax_equals_the_formulas(votes, scale):
    got = spent_on(LNMax(scale), np.array(votes), "replace-one", orders_shown).total
    for order, bound in zip(orders_shown, got.data_dependent, strict=True):
        want = sum(reference.rdp_laplace(reference.q_laplace(row, scale), scale, order) for row in votes)
        assert bound == pytest.approx(want, rel=1e-6, abs=1e-13)


@given(votes_of, st.floats(5, 100), st.floats(5, 100), st.integers(0, 300))
@examples(150)
def test_confident_gnmax_equals_the_formulas(votes, sigma, sigma_check, threshold):
    chances = [reference.passing(row, threshold, sigma_check) for row in votes]
    assume(all(1e-9 < p < 1 - 1e-9 for p in chances) and all(reference.q_gaussian(r, sigma) > 1e-300 for r in votes))
    got = spent_on(ConfidentGNMax(sigma, threshold, sigma_check), np.array(votes), "replace-one", orders_shown)
    for place, a in enumerate(orders_shown):
        answers = [reference.rdp_gaussian(reference.q_gaussian(row, sigma), sigma, a) for row in votes]
        checks = sum(reference.rdp_check(row, threshold, sigma_check, a) for row in votes)
        assert got.checks.data_dependent[place] == pytest.approx(checks, rel=1e-6, abs=1e-13)
        assert got.answers.data_dependent[place] == pytest.approx(sum(answers), rel=1e-6, abs=1e-13)
        assert got.total.data_dependent[place] == pytest.approx(checks + sum(answers), rel=1e-6, abs=1e-13)
    assert got.expected_answered == pytest.approx(sum(chances))
    assert got.checks.data_independent == pytest.approx(len(votes) * orders_shown / (2 * sigma_check**2))


def outcomes(votes, sigma, threshold, sigma_check):
    """The chances of abstaining and of each of two answers: exact."""
    passes, first = reference.passing(votes, threshold, sigma_check), votes[0] - votes[1]
    wins = [0.5 * math.erfc(-gap / (2 * sigma)) for gap in (first, -first)]
    return 1 - passes, passes * wins[0], passes * wins[1]


def divergence(p, q, order):
    return math.log(sum(x**order * y ** (1 - order) for x, y in zip(p, q, strict=True))) / (order - 1)


@given(
    st.integers(2, 60), st.floats(0, 1), st.floats(1, 30), st.floats(1, 30), st.floats(-1, 3),
    st.sampled_from([1.5, 2.0, 8.0, 20.0]),
)  # fmt: skip
@examples(200)
def test_check_and_answer_together_are_never_further_from_a_neighbours_than_is_charged(
    teachers, share, sigma, sigma_check, far, order
):
    """Every neighbour, exactly. An answer charged with the chance that it is given lay up to 3.1 times below."""
    first = round(share * teachers)
    votes, threshold = (first, teachers - first), max(first, teachers - first) - far * sigma_check
    made, here = ConfidentGNMax(sigma, threshold, sigma_check), outcomes(votes, sigma, threshold, sigma_check)
    charged = spent_on(made, np.array([votes]), "replace-one", np.array([order])).total
    for near in reference.neighbours(votes):
        there = outcomes(near, sigma, threshold, sigma_check)
        assume(min(*here, *there) > 1e-12)
        assert divergence(here, there, order) <= charged.data_dependent[0] * (1 + 1e-9) + 1e-9
        assert divergence(there, here, order) <= charged.data_independent[0] * (1 + 1e-9) + 1e-9


def test_the_data_dependent_bound_does_not_hold_from_a_neighbour_to_these_votes():
    """Why it is told that it holds in one direction only."""
    votes, near, sigma, order = (22, 0), (21, 1), 2.0, 3.0
    here, there = (outcomes(at, sigma, -1e3, 1.0)[1:] for at in (votes, near))
    charged = spent_on(GNMax(sigma), np.array([votes]), "replace-one", np.array([order])).total.data_dependent[0]
    assert divergence(here, there, order) <= charged
    assert divergence(there, here, order) > 50 * charged


def test_what_a_confident_vote_is_charged_without_regard_to_the_votes_is_the_same_for_all_votes():
    made, agreed, split = ConfidentGNMax(40.0, 200.0, 60.0), equal_votes((250,), 400), equal_votes((125, 125), 400)
    charged = [spent_on(made, votes, "replace-one").total.data_independent for votes in (agreed, split)]
    np.testing.assert_array_equal(*charged)
    np.testing.assert_allclose(charged[0], 400 * made.rdp(ORDERS, "replace-one"), rtol=1e-12)


@given(votes_of, st.floats(3, 100), st.floats(1.05, 5), st.sampled_from([GNMax, LNMax]))
@examples(60)
def test_epsilon_grows_with_votes_and_falls_with_noise(votes, noise, more, kind):
    rows = np.array(votes)
    spent = spent_on(kind(noise), rows, "replace-one").total
    twice = spent_on(kind(noise), np.vstack([rows, rows]), "replace-one").total
    quieter = spent_on(kind(noise * more), rows, "replace-one").total
    assert np.all(spent.data_dependent <= spent.data_independent)
    assert np.all(twice.data_dependent >= spent.data_dependent)
    assert np.all(quieter.data_independent < spent.data_independent)
    assert epsilon(quieter.data_independent) <= epsilon(spent.data_independent) <= epsilon(twice.data_independent)


@given(st.integers(10, 400), st.integers(2, 12), st.floats(2, 100), st.sampled_from([GNMax, LNMax]))
@examples(60)
def test_more_agreement_never_costs_more(teachers, classes, noise, kind):
    half = teachers // 2
    ladder = [[teachers - moved, moved] + [0] * (classes - 2) for moved in sorted({0, half // 4, half // 2, half})]
    costs = [spent_on(kind(noise), np.array([row]), "replace-one").total.data_dependent for row in ladder]
    for less, more in pairwise(costs):
        assert np.all(less <= more * (1 + 1e-9) + 1e-15)


@given(st.integers(2, 8), st.integers(1, 50), st.floats(3, 50))
@examples(40)
def test_ties_cost_the_whole(classes, each, sigma):
    """Where all classes tie, no answer is likelier, and the votes do not help."""
    spent = spent_on(GNMax(sigma), np.full((1, classes), each), "replace-one").total
    assert spent.data_dependent == pytest.approx(spent.data_independent, rel=1e-12)


def test_a_known_answer_costs_nothing_and_no_noise_everything():
    one_class = spent_on(GNMax(5.0), np.full((3, 1), 9), "replace-one").total
    assert np.all(one_class.data_dependent == 0)
    assert one_class.data_independent == pytest.approx(3 * ORDERS / 25)
    assert np.isneginf(GNMax(0.0).log_q(np.array([[9, 1]]))).all()
    for silent in (GNMax(0.0), LNMax(0.0), ConfidentGNMax(0.0, 5, 0.0)):
        spent = spent_on(silent, np.array([[9, 1], [5, 5]]), "replace-one").total
        assert epsilon(spent.data_independent) == epsilon(spent.data_dependent) == math.inf


def test_add_remove_halves_the_sensitivity_and_has_no_data_dependent_bound():
    votes = equal_votes((200, 50), 10)
    for mechanism in (GNMax(40.0), LNMax(20.0), ConfidentGNMax(40.0, 100.0, 30.0)):
        assert spent_on(mechanism, votes, "add-remove").total.data_dependent is None
    assert GNMax(40.0).rdp(ORDERS, "add-remove") == pytest.approx(ORDERS / (2 * 1600))
    assert LNMax(20.0).pure_epsilon("add-remove") == 1 / 20
    check = ThresholdCheck(1.0, 10.0)
    assert np.array_equal(check.rdp(ORDERS, "add-remove"), check.rdp(ORDERS, "replace-one"))


@given(st.floats(0.1, 4), st.sampled_from([GNMax, LNMax]))
@examples(30)
def test_a_teacher_that_counts_double_is_hidden_by_double_the_noise(weight, kind):
    assert kind(30.0 * weight, weight).rdp(ORDERS, "replace-one") == pytest.approx(
        kind(30.0).rdp(ORDERS, "replace-one")
    )
    votes = np.array([[60.0, 20.0, 5.0]])
    scaled = spent_on(kind(30.0 * weight, weight), votes * weight, "replace-one").total.data_dependent
    assert scaled == pytest.approx(spent_on(kind(30.0), votes, "replace-one").total.data_dependent, rel=1e-9)


def test_blocks_and_repeats_change_nothing():
    log_q = np.log(np.random.default_rng(0).uniform(1e-9, 0.6, 3000))
    doubled = np.concatenate([log_q, log_q])
    whole = gaussian_bound(log_q, 20.0, orders_shown).sum(axis=0)
    assert summed(lambda x: gaussian_bound(x, 20.0, orders_shown), doubled) == pytest.approx(2 * whole, rel=1e-12)
    assert summed(lambda x: laplace_bound(x, 0.1, orders_shown), log_q) == pytest.approx(
        laplace_bound(log_q, 0.1, orders_shown).sum(axis=0), rel=1e-12
    )


def test_answers_follow_the_noise():
    votes = equal_votes((60, 40), 4000, 3)
    noise = ReproducibleNoise(0)
    wrong = np.mean(GNMax(30.0).answer(votes, noise) == 1)
    between_two = 0.5 * math.erfc(20 / (2 * 30.0))
    assert 0.5 * between_two < wrong < between_two + of_a_share(between_two, len(votes))
    assert set(GNMax(0.0).answer(votes, noise)) == set(LNMax(0.0).answer(votes, noise)) == {0}
    answers = ConfidentGNMax(5.0, 70.0, 10.0).answer(votes, noise)
    heard = 0.5 * math.erfc(1 / math.sqrt(2))
    assert np.mean(answers != ABSTAINED) == pytest.approx(heard, abs=of_a_share(heard, len(votes)))
    assert GNMax(30.0).answer(votes[:0], noise).shape == (0,)


@pytest.mark.parametrize("make", [GNMax, LNMax, lambda x: ThresholdCheck(1, x), lambda x: GNMax(1, x)])
@pytest.mark.parametrize("value", [math.nan, -1.0, math.inf])
def test_numbers_without_meaning_are_refused(make, value):
    with pytest.raises(UserError, match="must be a number"):
        make(value)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((3,), int), "shape"),
        (np.zeros((0, 3), int), "shape"),
        (np.ones((2, 2)), "float64"),
        (np.array([[1, 2], [3, -1]]), "row 1"),
        (np.array([[True, False]]), "bool"),
        (np.zeros((3, 4), np.int64), "sum to 0 teachers; must be 1 to 2,147,483,647"),
        (np.array([[2**62, 2**62]]), "must be 1 to 2,147,483,647"),
        (np.array([[6, 4], [5, 5], [9, 0]], np.uint8), r"unlike sums \(9 to 10\): is this \(votes, classes\)"),
    ],
)
def test_votes_that_are_none_are_refused(array, said):
    with pytest.raises(UserError, match=said):
        checked_votes(array, "v.npy")


def test_answers_of_teachers_to_queries_are_no_histogram():
    """Read as one, 100 teachers' answers to 40 queries of 10 classes gave 1.759 where 40 votes cost 1.098."""
    answers = np.random.default_rng(0).integers(0, 10, size=(100, 40))
    with pytest.raises(UserError, match=r"unlike sums \(138 to 218\)"):
        checked_votes(answers)


def test_files_that_are_no_votes_are_refused(tmp_path):
    pickled, text = tmp_path / "pickled.npy", tmp_path / "text.npy"
    np.save(pickled, np.array([[1], [{}]], dtype=object), allow_pickle=True)
    text.write_text("1,2\n3,4\n")
    for path in (pickled, text, tmp_path / "absent.npy", tmp_path):
        with pytest.raises(UserError, match=str(path)) as told:
            load_votes(path)
        assert "\n" not in str(told.value)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int64", "uint64"])
def test_all_integer_types_are_read_alike(tmp_path, dtype):
    np.save(tmp_path / "v.npy", np.array([[100, 27], [7, 120]], dtype=dtype))
    votes = load_votes(tmp_path / "v.npy")
    assert GNMax(9.0).log_q(votes) == pytest.approx(GNMax(9.0).log_q(np.array([[100, 27], [7, 120]])))
