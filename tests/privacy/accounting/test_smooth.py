"""Smooth sensitivity against its definition, and the release that stands on it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import reference
from support.draws import examples
from support.tolerance import of_a_share

from fedasr.privacy.accounting.conversion import ORDERS, epsilon_of
from fedasr.privacy.accounting.smooth import _steps, _widened, local_sensitivities, smooth_sensitivity
from fedasr.privacy.mechanisms.confident_max import ConfidentGNMax
from fedasr.privacy.mechanisms.noisy_max import GNMax
from fedasr.privacy.mechanisms.sanitised import Statistic, plan_release, release, sanitise, statistic_of
from fedasr.privacy.mechanisms.smooth_release import SmoothRelease
from fedasr.privacy.noise import Noise, ReproducibleNoise


def ours(mechanism, votes, order, beta):
    return smooth_sensitivity(local_sensitivities(mechanism, np.array([votes]), None, order, beta), beta)


def by_definition(votes, sigma, order, beta):
    return reference.smooth_sensitivity(
        votes, lambda at: reference.rdp_gaussian(reference.q_gaussian(at, sigma), sigma, order), beta
    )


@pytest.mark.parametrize("beta", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("votes", [(40, 0), (36, 4), (30, 10), (22, 18), (20, 20), (17, 23), (24, 0, 0), (18, 6, 0),
                                   (12, 10, 2), (8, 8, 8), (12, 2, 1, 1)])  # fmt: skip
def test_bounds_the_definition_from_above_and_not_by_much(votes, beta):
    want, got = by_definition(votes, 6.0, 3.0, beta), ours(GNMax(6.0), votes, 3.0, beta)
    assert want * (1 - 1e-9) <= got <= max(2 * want, want + math.exp(-beta) * 0.02)


@pytest.mark.parametrize("votes", [(60, 0), (55, 5), (48, 12)])
def test_equals_the_definition_where_it_is_taken_on_the_spot(votes):
    """Two classes, β so large that only the histogram itself counts: no bound is loose there."""
    assert ours(GNMax(6.0), votes, 3.0, 9.0) == pytest.approx(by_definition(votes, 6.0, 3.0, 9.0), rel=1e-6)


@given(
    st.lists(st.integers(0, 14), min_size=2, max_size=3).filter(sum), st.floats(2, 9), st.sampled_from([0.1, 0.5]),
    st.sampled_from([2.0, 3.0, 6.0, 9.0]),
)  # fmt: skip
@examples(60)
def test_never_below_the_definition(votes, sigma, beta, order):
    sums = local_sensitivities(GNMax(sigma), np.array([votes]), None, order, beta)
    if sums is not None:
        assert smooth_sensitivity(sums, beta) >= by_definition(tuple(votes), sigma, order, beta) * (1 - 1e-9)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=9), st.integers(0, 8))
def test_what_a_check_may_move_at_each_count_is_the_largest_step_that_starts_within_the_distance(values, distance):
    """Counts that one changed vote reaches are neighbours; no first or last count is left out."""
    steps = _steps(np.array(values))
    for _ in range(distance):
        steps = _widened(steps)
    places = range(len(values))
    for place in places:
        near = [n for n in places if abs(n - place) <= distance]
        moves = [abs(values[n] - values[m]) for n in near for m in (n - 1, n + 1) if m in places]
        assert steps[place] == max(moves, default=0.0)


def test_a_check_that_all_teachers_together_do_not_pass_is_not_moved_by_a_teacher_more():
    """Twenty teachers cast twenty votes, whoever of them is replaced: what 21 votes would open says nothing."""
    votes, answers, out_of_reach = np.array([[20, 0]]), GNMax(8.0), ConfidentGNMax(8.0, 20.5, 0.05)
    alone, behind = (local_sensitivities(mechanism, votes, None, 3.0, 0.5)[0] for mechanism in (answers, out_of_reach))
    assert behind == pytest.approx(alone, abs=1e-12)


@pytest.mark.parametrize(("sigma", "order"), [(2.0, 6.0), (3.0, 9.0), (4.0, 9.0), (6.0, 14.0), (10.0, 20.0)])
def test_where_the_sensitivity_does_not_rise_to_its_plateau_nothing_is_bounded(sigma, order):
    """Conditions C5 and C6 do not hold: the end of a path would lie as far as 17 times below the definition."""
    assert local_sensitivities(GNMax(sigma), np.array([[12, 8]]), None, order, 0.05) is None
    assert local_sensitivities(GNMax(sigma), np.array([[12, 8]]), None, 1.5, 0.05) is not None


def test_weighted_teachers_have_no_bound():
    """One of them moves a histogram by more than the one vote that the paths walk."""
    for mechanism in (GNMax(6.0, 2.0), ConfidentGNMax(6.0, 15.0, 4.0, 0.5)):
        assert local_sensitivities(mechanism, np.array([[12, 8]]), None, 3.0, 0.3) is None
    printed = sanitise(GNMax(80.0, 2.0), np.tile([950, 30, 20], (500, 1)), 1e-5, ReproducibleNoise(0))
    assert printed.kind == "data-independent"


@given(st.lists(st.integers(0, 40), min_size=3, max_size=4).filter(lambda v: sum(v) > 1), st.sampled_from([0.05, 0.3]))
@examples(12)
def test_is_smooth(votes, beta):
    """Neighbours differ by at most the factor e^β: what the privacy of the release rests on."""
    for mechanism in (GNMax(8.0), ConfidentGNMax(8.0, 20.0, 6.0)):
        here = ours(mechanism, votes, 3.0, beta)
        for near in reference.neighbours(tuple(votes)):
            assert ours(mechanism, near, 3.0, beta) <= math.exp(beta) * here * (1 + 1e-9)


@pytest.mark.parametrize("votes", [(24, 0), (20, 4), (14, 10), (12, 12), (16, 4, 2), (10, 8, 4)])
def test_covers_the_check_and_the_answer(votes):
    def charged(at):
        cost = reference.rdp_gaussian(reference.q_gaussian(at, 5.0), 5.0, 3.0)
        return reference.rdp_check(at, 15, 4.0, 3.0) + cost

    for beta in (0.05, 0.3, 1.0):
        want = reference.smooth_sensitivity(votes, charged, beta)
        assert want * (1 - 1e-9) <= ours(ConfidentGNMax(5.0, 15.0, 4.0), votes, 3.0, beta) <= 4 * want + 0.01


@given(
    st.integers(2, 40), st.floats(0.5, 0.99), st.floats(3, 8), st.floats(1, 9), st.floats(-2, 4),
    st.sampled_from([2.0, 3.0]),
)  # fmt: skip
@examples(100)
def test_a_sums_change_is_bounded_term_by_term(teachers, share, sigma, check, far, order):
    """Check and answer at every neighbour, one by one."""
    first = round(share * teachers)
    votes, threshold = (first, teachers - first), first + far * check
    mechanism = ConfidentGNMax(sigma, threshold, check)

    def parts(at):
        cost = reference.rdp_gaussian(reference.q_gaussian(at, sigma), sigma, order)
        return reference.rdp_check(at, threshold, check, order), cost

    (checked, cost), near = parts(votes), [parts(at) for at in reference.neighbours(votes)]
    want = max(abs(c - checked) + abs(d - cost) for c, d in near)
    sums = local_sensitivities(mechanism, np.array([votes]), None, order, 9.0)
    if sums is not None:
        assert sums[0] >= want * (1 - 1e-6) - 1e-9


def test_votes_add_up():
    rows = np.array([[40, 3, 1], [30, 10, 4], [40, 3, 1]])
    sums = local_sensitivities(GNMax(6.0), rows, None, 3.0, 0.01)
    single = [local_sensitivities(GNMax(6.0), rows[i : i + 1], None, 3.0, 0.01) for i in range(3)]
    steps = min(len(sums), *(len(s) for s in single))
    assert sums[:steps] == pytest.approx(sum(s[:steps] for s in single))


CASES = [
    (GNMax(40.0), np.tile([240, 6, 4, 0], (1000, 1))),
    (GNMax(40.0), np.tile([150, 100, 0, 0], (1000, 1))),
    (ConfidentGNMax(60.0, 700.0, 90.0), np.random.default_rng(2).multinomial(1000, [0.93, 0.04, 0.03], 60)),
]


@pytest.mark.parametrize(("mechanism", "votes"), CASES)
def test_the_released_end_lies_below_the_truth_with_a_chance_of_a_tenth_of_delta(mechanism, votes):
    delta, draws = 0.2, 4000
    plan = plan_release(mechanism, len(votes), int(votes[0].sum()), votes.shape[1], delta)
    assert plan.failure == pytest.approx(delta / 10)
    statistic = statistic_of(mechanism, votes, plan)
    noise = ReproducibleNoise(7)
    released = [release(mechanism, len(votes), statistic, plan, delta, noise) for _ in range(draws)]
    below = np.mean([r.upper < statistic.divergence for r in released])
    assert below == pytest.approx(0.02, abs=of_a_share(0.02, draws))
    assert all((r.upper * 2**10).is_integer() for r in released)


class _Fixed(Noise):
    """A draw of so many 2⁻⁴⁰, and the bits that follow it."""

    def __init__(self, draw, word):
        self.draw, self.word = draw, word

    def rounded_normal(self, shape, places):
        return np.full(shape, self.draw)

    def words(self, count):
        return np.full(count, self.word, np.uint64)


@pytest.mark.parametrize("smooth", [1.0, 1e5, 1e9])
def test_every_end_that_votes_may_give_their_neighbours_may_give(smooth):
    """The noise's steps of 2⁻⁴⁰ σS are private: an end that only some σS and f reach would tell them."""
    plan, delta = SmoothRelease(32.0, 0.009, 48.0, 1e-6), 1e-5
    here, there = Statistic(0.3, smooth), Statistic(0.3 + smooth / 3, smooth * math.exp(plan.beta / 2))

    def end(statistic, draw, word=0):
        return release(GNMax(40.0), 500, statistic, plan, delta, _Fixed(draw, word)).upper

    def reaches(statistic, upper):
        """Whether some draw gives that end, the first guess being the one whose middle lies in its cell."""
        middle = upper - 2**-11 - statistic.divergence
        nearest = round(2**40 * (middle / (plan.sigma * statistic.smooth) - plan.quantile))
        return upper in {
            end(statistic, nearest + by, word << 56)
            for by in (-1, 0, 1)
            for word in range(0, 256, 1 if by == 0 else 255)
        }

    draws = np.rint(np.random.default_rng(4).normal(size=20) * 2**40).astype(int).tolist()
    ends = [end(here, draw, 2**63) for draw in draws]
    assert all(reaches(there, upper) for upper in ends)


def test_where_a_step_of_the_noise_lies_across_an_edge_more_bits_decide():
    plan, statistic = SmoothRelease(32.0, 0.009, 1.0, 0.5), Statistic(0.0, 2.0**30)
    ends = {
        release(GNMax(40.0), 500, statistic, plan, 0.9, _Fixed(1, word)).upper
        for word in (0, 2**63 - 1, 2**63, 2**64 - 1)
    }
    assert ends == {1 / 1024, 2 / 1024}


@pytest.mark.parametrize(("mechanism", "votes"), CASES)
def test_the_chance_of_a_low_end_is_a_part_of_delta(mechanism, votes):
    """Whichever ε is printed, sanitised or not, is converted with what failing leaves of δ."""
    queries, delta = len(votes), 1e-5
    plan = plan_release(mechanism, queries, int(votes[0].sum()), votes.shape[1], delta)
    low, high = (
        release(mechanism, queries, Statistic(divergence, 0.0), plan, delta, ReproducibleNoise(0))
        for divergence in (0.01, 1e3)
    )
    own = plan.rdp(np.array([plan.order]), "replace-one")[0]
    assert low.epsilon == pytest.approx(low.upper + own + math.log(1 / 0.9e-5) / (plan.order - 1))
    worst = queries * mechanism.rdp(ORDERS, "replace-one") + plan.rdp(ORDERS, "replace-one")
    assert (low.kind, high.kind) == ("sanitised", "data-independent")
    assert high.epsilon == pytest.approx(epsilon_of(ORDERS, worst, 0.9e-5))


def test_agreement_of_many_teachers_prints_less_than_the_data_independent_epsilon():
    votes, mechanism = np.tile([950, 30, 20], (500, 1)), GNMax(80.0)
    printed = sanitise(mechanism, votes, 1e-5, ReproducibleNoise(0))
    independent = epsilon_of(ORDERS, 500 * mechanism.rdp(ORDERS, "replace-one"), 1e-5)
    assert printed.kind == "sanitised"
    assert printed.epsilon < independent


def test_where_nothing_can_be_gained_nothing_is_released():
    votes = np.tile([12, 8], (50, 1))
    printed = sanitise(GNMax(40.0), votes, 1e-5, ReproducibleNoise(0))
    assert (printed.mechanism, printed.kind) == (None, "data-independent")
    assert printed.epsilon == epsilon_of(ORDERS, 50 * ORDERS / 1600, 1e-5)


@pytest.mark.parametrize("mechanism", [GNMax(400.0), ConfidentGNMax(400.0, 180.0, 600.0)])
def test_a_plan_counts_every_answer_and_spares_the_walk_where_nothing_can_be_gained(mechanism):
    """Planned for the expected answers, a release looked worth while, and 100,000 votes took 100 s in place of 2."""
    assert plan_release(mechanism, 100_000, 250, 30, 1e-8) is None


def test_the_plan_does_not_look_at_the_votes():
    agreed, split = np.tile([240, 10, 0], (1000, 1)), np.tile([90, 80, 80], (1000, 1))
    plans = [sanitise(GNMax(40.0), votes, 1e-5, ReproducibleNoise(0)).mechanism for votes in (agreed, split)]
    assert plans[0] == plans[1] is not None
