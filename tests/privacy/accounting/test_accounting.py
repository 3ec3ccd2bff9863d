"""Conversions, DP-SGD, budget, ledger and planner."""

import dataclasses
import json
import math
from collections import Counter

import dp_accounting
import numpy as np
import pytest
from dp_accounting.rdp import RdpAccountant
from dp_accounting.rdp.rdp_privacy_accountant import compute_epsilon
from hypothesis import given
from hypothesis import strategies as st
from support.draws import examples
from support.tolerance import of_a_deviation, of_a_mean, of_a_share

from fedasr.common.errors import UserError
from fedasr.privacy.accounting.budget import budget_for
from fedasr.privacy.accounting.calibration import Target, noise_for, releases_for, with_noise
from fedasr.privacy.accounting.conversion import CONVERSIONS, INTEGER_ORDERS, ORDERS, epsilon_at, epsilon_of
from fedasr.privacy.accounting.exact import gaussian_epsilon
from fedasr.privacy.accounting.feasibility import Study, plan
from fedasr.privacy.accounting.ledger import Ledger, Release
from fedasr.privacy.accounting.losses import pld_epsilon
from fedasr.privacy.accounting.proven import epsilon_by, proven_bounds
from fedasr.privacy.accounting.sampled_gaussian import dpsgd_epsilon, dpsgd_mechanism, dpsgd_steps
from fedasr.privacy.mechanisms.allowances import GaussianBudget, PureBudget, RenyiBudget
from fedasr.privacy.mechanisms.confident_max import ConfidentGNMax, ThresholdCheck
from fedasr.privacy.mechanisms.gaussian import GaussianSum, NoisyMean, SampledGaussian
from fedasr.privacy.mechanisms.kinds import KINDS, mechanism_from
from fedasr.privacy.mechanisms.noisy_max import GNMax, LNMax
from fedasr.privacy.mechanisms.smooth_release import SmoothRelease
from fedasr.privacy.noise import ReproducibleNoise, SecureNoise


@given(st.floats(1e-6, 50), st.floats(1e-9, 0.5), st.integers(2, 300))
@examples(100)
def test_improved_conversion_is_dp_accountings(rdp, delta, order):
    ours = epsilon_at(np.array([float(order)]), np.array([rdp]), delta, "improved")[0]
    assert ours == pytest.approx(compute_epsilon([order], [rdp], delta)[0], abs=1e-12)
    assert ours <= epsilon_at(np.array([float(order)]), np.array([rdp]), delta, "classic")[0]


@pytest.mark.parametrize(("z", "epochs", "golden"), [(1.12, 60, 2.92), (0.6, 30, 9.74), (1.2, 10, 1.20)])
def test_dpsgd_golden_values(z, epochs, golden):
    mechanism, steps = dpsgd_mechanism(60_000, 256, z), dpsgd_steps(60_000, 256, epochs)
    classic = dpsgd_epsilon(mechanism, steps, 1e-5)
    assert classic.rdp == pytest.approx(golden, rel=0.01)
    event = dp_accounting.PoissonSampledDpEvent(256 / 60_000, dp_accounting.GaussianDpEvent(z))
    theirs = RdpAccountant(INTEGER_ORDERS.tolist()).compose(event, steps).get_epsilon(1e-5)
    improved = epsilon_of(INTEGER_ORDERS, steps * mechanism.rdp(INTEGER_ORDERS, "add-remove"), 1e-5, "improved")
    assert improved == pytest.approx(theirs, rel=1e-6)
    assert classic.pld < improved < classic.rdp


@given(st.floats(0.001, 0.99), st.floats(0.4, 20), st.floats(1.1, 4))
@examples(40)
def test_sampling_and_noise_only_help(rate, z, more):
    orders = np.array([2.0, 5.0, 17.0])
    base = SampledGaussian(z, rate=rate).rdp(orders, "add-remove")
    assert np.all(base <= GaussianSum(z).rdp(orders, "add-remove") * (1 + 1e-9))
    assert np.all(SampledGaussian(z * more, rate=rate).rdp(orders, "add-remove") <= base * (1 + 1e-9))
    assert np.all(SampledGaussian(z, rate=rate).rdp(orders, "replace-one") >= base * (1 - 1e-9))


def test_edges_of_sums():
    orders = np.array([2.0, 8.0])
    for adjacency in ("add-remove", "replace-one"):
        assert np.isinf(GaussianSum(0.0).rdp(orders, adjacency)).all()
        assert np.isinf(GaussianSum(1.0, math.inf).rdp(orders, adjacency)).all()
        assert np.isinf(SampledGaussian(0.0, rate=0.1).rdp(orders, adjacency)).all()
        assert np.all(GaussianSum(1.0, 0.0).rdp(orders, adjacency) == 0)
        assert np.all(SampledGaussian(1.0, rate=0.0).rdp(orders, adjacency) == 0)
        assert SampledGaussian(1.3, rate=1.0).rdp(orders, adjacency) == pytest.approx(
            GaussianSum(1.3).rdp(orders, adjacency)
        )
    assert pld_epsilon([(GaussianSum(0.0), 1)], 1e-5, "add-remove") == math.inf
    assert pld_epsilon([(GaussianSum(1.0), 0)], 1e-5, "add-remove") == 0
    assert GaussianSum(2.0, 3.0).sensitivity("replace-one") == 2 * GaussianSum(2.0, 3.0).sensitivity("add-remove") == 6
    for bad in (lambda: GaussianSum(math.nan), lambda: GaussianSum(1, math.nan), lambda: SampledGaussian(1, rate=1.5)):
        with pytest.raises(UserError):
            bad()


def test_noisy_mean_and_its_two_trust_models():
    mean, each = NoisyMean(0.02, 100), NoisyMean(0.02, 100, "each")
    assert mean.rdp(ORDERS, "replace-one") == pytest.approx(ORDERS / (100**2 * 0.02**2))
    assert each.rdp(ORDERS, "replace-one") == pytest.approx(100 * mean.rdp(ORDERS, "replace-one"))


@pytest.mark.parametrize("noise", [SecureNoise(), ReproducibleNoise(3)])
def test_noise_has_the_moments_and_tails_it_should(noise):
    count, far = 100_000, math.erfc(math.sqrt(2))
    normal, laplace = noise.normal((200, 500), 3.0), noise.rounded_laplace(count, 30) * 2.0**-29
    assert normal.shape == (200, 500)
    assert normal.mean() == pytest.approx(0, abs=of_a_mean(3, count))
    assert normal.std() == pytest.approx(3, rel=of_a_deviation(count))
    assert np.mean(np.abs(normal) > 6) == pytest.approx(far, abs=of_a_share(far, count))
    assert laplace.mean() == pytest.approx(0, abs=of_a_mean(2 * math.sqrt(2), count))
    assert np.abs(laplace).mean() == pytest.approx(2, abs=of_a_mean(2, count))
    assert np.isfinite(laplace).all()


def test_secure_noise_never_repeats_and_seeded_noise_does():
    assert not np.array_equal(SecureNoise().normal(50), SecureNoise().normal(50))
    assert np.array_equal(ReproducibleNoise(5).normal(50), ReproducibleNoise(5).normal(50))
    assert (SecureNoise.origin, ReproducibleNoise.origin) == ("secure", "reproducible")


@given(st.floats(0.5, 20), st.floats(5, 80), st.lists(st.booleans(), min_size=1, max_size=60))
@examples(40)
def test_budget_stops_before_the_target(target, sigma, asked):
    check, answer = ThresholdCheck(10, 2 * sigma), GNMax(sigma)
    budget, charged = budget_for(answer, target, 1e-5), Counter()
    for answered in asked:
        mechanism = answer if answered else check
        if budget.allows(mechanism, 1, charged):
            charged[mechanism] += 1
    spent = proven_bounds(charged.items(), 1e-5, "replace-one")["exact"]
    allowed = proven_bounds([(budget.allowance, 1)], 1e-5, "replace-one")["exact"]
    assert spent <= allowed * (1 + 1e-9) <= target * (1 + 1e-9)


@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_budget_of_equal_votes_is_what_the_accountant_allows(conversion):
    vote, target = GNMax(40.0), Target(8.0, 1e-5, conversion=conversion)
    count = releases_for(vote, target)
    budget = budget_for(vote, 8.0, 1e-5, conversion=conversion)
    assert budget.affordable(vote) == count
    assert epsilon_by(conversion, [(vote, count)], 1e-5, "replace-one") <= 8.0
    assert epsilon_by(conversion, [(vote, count + 1)], 1e-5, "replace-one") > 8.0
    assert not budget.allows(vote, 1, {vote: count})
    assert budget.affordable(vote, {vote: count}) == 0
    assert budget_for(vote, 0.0, 1e-5, conversion=conversion).affordable(vote) == 0


def voted(**changes):
    base = Release(GNMax(40.0), "silo", "replace-one", "secure", "all", "all", 10, "votes/0", "a1")
    return dataclasses.replace(base, **changes)


def test_ledger_charges_a_replay_once_and_a_redraw_twice():
    ledger = Ledger()
    assert ledger.add(voted())
    once = ledger.summary(1e-5)
    assert not ledger.add(voted())
    assert ledger.summary(1e-5) == once
    assert ledger.add(voted(digest="b2"))
    assert ledger.summary(1e-5).bounds["rdp"] == pytest.approx(epsilon_of(ORDERS, 20 * ORDERS / 1600, 1e-5))
    assert ledger.summary(1e-5).epsilon == pytest.approx(gaussian_epsilon(math.sqrt(40) / 40, 1e-5))
    with pytest.raises(UserError, match="another mechanism or count"):
        ledger.add(voted(count=11))
    assert (once.kind, once.unit, once.adjacency) == ("data-independent", "silo", "replace-one")
    assert set(once.bounds) == {"exact", "rdp"}


@pytest.mark.parametrize("changes", [{"unit": "utterance"}, {"adjacency": "add-remove"}])
def test_ledger_refuses_what_does_not_add_up(changes):
    ledger = Ledger()
    ledger.add(voted())
    with pytest.raises(UserError, match=f"its {next(iter(changes))} is"):
        ledger.add(voted(key="other", **changes))
    assert len(ledger.releases) == 1


@pytest.mark.parametrize("changes", [{"noise": "reproducible"}, {"sampling_used": "shuffled"}])
def test_ledger_is_void_where_the_promise_is(changes):
    ledger = Ledger()
    ledger.add(voted())
    ledger.add(voted(key="second", **changes))
    assert ledger.summary(1e-5).kind == "void"


def test_ledger_composes_phases_and_survives_a_checkpoint():
    ledger = Ledger()
    ledger.add(voted())
    ledger.add(voted(mechanism=LNMax(30.0), key="votes/1"))
    ledger.add(voted(mechanism=ConfidentGNMax(40.0, 100.0, 60.0), key="votes/2", count=3))
    want = 10 * ORDERS / 1600 + 10 * LNMax(30.0).rdp(ORDERS, "replace-one") + 3 * (ORDERS / 1600 + ORDERS / 7200)
    assert ledger.rdp() == pytest.approx(want)
    resumed = Ledger()
    resumed.restore(json.loads(json.dumps(ledger.state())))
    assert resumed.releases == ledger.releases
    assert resumed.summary(1e-5) == ledger.summary(1e-5)
    assert not resumed.add(voted())


def test_ledger_of_sums_has_all_bounds_and_the_smallest_counts():
    ledger = Ledger()
    steps = Release(
        SampledGaussian(1.0, rate=0.05), "silo", "add-remove", "secure", "poisson", "poisson", 50, "sgd", "x"
    )
    ledger.add(steps)
    ledger.add(dataclasses.replace(steps, mechanism=GaussianSum(5.0), count=1, key="sum"))
    said = ledger.summary(1e-5)
    assert said.kind == "accountant"
    pld = pld_epsilon([(steps.mechanism, 50), (GaussianSum(5.0), 1)], 1e-5, "add-remove")
    assert (set(said.bounds), said.bounds["pld"]) == ({"pld", "rdp"}, pld)
    assert said.epsilon == pld < said.bounds["rdp"]
    ledger.add(dataclasses.replace(steps, mechanism=LNMax(40.0), key="votes"))
    assert (ledger.summary(1e-5).kind, set(ledger.summary(1e-5).bounds)) == ("data-independent", {"rdp"})


def test_ledger_charges_a_sanitised_release_too():
    ledger, made = Ledger(fixed_queries=True), SmoothRelease(9.0, 0.03, 30.0)
    ledger.add(voted(count=1000))
    plain = ledger.summary(1e-5)
    ledger.add(voted(mechanism=made, count=1, key="sanitised", upper=0.4, covers=(("votes/0", "a1"),)))
    said = ledger.summary(1e-5)
    own = made.rdp(np.array([9.0]), "replace-one")[0]
    assert said.epsilon == pytest.approx(0.4 + own + math.log(1 / 9e-6) / 8)  # its failing is 1e-6 of δ
    assert said.kind == "sanitised"
    useless = Ledger(fixed_queries=True)
    useless.add(voted(count=1000))
    useless.add(voted(mechanism=made, count=1, key="sanitised", upper=400.0, covers=(("votes/0", "a1"),)))
    assert useless.summary(1e-5).kind == "data-independent"
    assert useless.summary(1e-5).epsilon > plain.epsilon
    resumed = Ledger(fixed_queries=True)
    resumed.restore(json.loads(json.dumps(ledger.state())))
    assert resumed.summary(1e-5) == said


def test_a_sanitised_release_covers_a_draw_and_no_other_of_its_key():
    made = SmoothRelease(9.0, 0.03, 30.0)
    sanitised = voted(mechanism=made, count=1, key="sanitised", upper=0.4, covers=(("votes/0", "a1"),))
    one, two = Ledger(fixed_queries=True), Ledger(fixed_queries=True)
    for ledger in (one, two):
        ledger.add(voted(count=1000))
        ledger.add(sanitised)
    two.add(voted(count=1000, digest="b2"))
    own = made.rdp(np.array([9.0]), "replace-one")[0]
    again = 1000 * GNMax(40.0).rdp(np.array([9.0]), "replace-one")[0]
    assert one.summary(1e-5).epsilon == pytest.approx(0.4 + own + math.log(1 / 9e-6) / 8)
    assert two.summary(1e-5).epsilon == pytest.approx(0.4 + own + again + math.log(1 / 9e-6) / 8)


def test_a_ledger_of_label_votes_refuses_a_sanitised_release():
    ledger, end = Ledger(), voted(mechanism=SmoothRelease(9.0, 0.03, 30.0), count=1, key="sanitised", upper=0.4)
    ledger.add(voted(count=1000))
    with pytest.raises(UserError, match="fixed before the first answer"):
        ledger.add(end)
    assert len(ledger.releases) == 1


def test_no_sanitised_epsilon_is_told_at_a_delta_that_its_failing_exceeds():
    ledger = Ledger(fixed_queries=True)
    ledger.add(voted(count=1000))
    ledger.add(voted(mechanism=SmoothRelease(9.0, 0.03, 30.0, 1e-5), count=1, key="s", upper=0.4,
                     covers=(("votes/0", "a1"),)))  # fmt: skip
    assert [ledger.summary(delta).kind for delta in (1e-5, 1e-6, 1e-4)] == [
        "data-independent", "data-independent", "sanitised",
    ]  # fmt: skip


def test_an_empty_ledger_promises_nothing():
    assert (Ledger().summary(1e-5).epsilon, Ledger().summary(1e-5).kind) == (None, None)


def test_every_mechanism_goes_through_json():
    made = [GNMax(1.5), LNMax(2.0), ThresholdCheck(3, 4), ConfidentGNMax(1, 2, 3), NoisyMean(0.1, 7, "each"),
            GaussianSum(1.0, 2.0), SampledGaussian(1.0, 2.0, 0.3), SmoothRelease(4.0, 0.01, 9.0),
            GaussianBudget(1.5), PureBudget(8.0), RenyiBudget(20.0, 3.0)]  # fmt: skip
    assert {m.kind for m in made} == set(KINDS)
    assert [mechanism_from(json.loads(json.dumps(m.fields()))) for m in made] == made
    with pytest.raises(UserError, match="gnmax"):
        mechanism_from({"kind": "gnmacks"})
    with pytest.raises(UserError, match="gnmax"):
        mechanism_from({"kind": "gnmax", "wigma": 3})


@pytest.mark.parametrize(("epsilon", "golden"), [(0.1, 21_506), (1, 2_192), (10, 254)])
def test_planned_noise_for_a_hundred_thousand_votes_by_the_classic_conversion(epsilon, golden):
    assert noise_for("gnmax", 100_000, epsilon, 1e-5, conversion="classic") == pytest.approx(golden, rel=1e-3)


@given(
    st.sampled_from(["gnmax", "lnmax", "confident-gnmax", "noisy-mean", "gaussian-sum"]), st.integers(1, 5000),
    st.floats(0.3, 30), st.sampled_from(["replace-one", "add-remove"]), st.sampled_from(CONVERSIONS),
)  # fmt: skip
@examples(40)
def test_planned_noise_meets_the_target_and_no_less_would(kind, votes, epsilon, adjacency, conversion):
    target = Target(epsilon, 1e-5, adjacency, conversion)
    noise = noise_for(kind, votes, epsilon, 1e-5, adjacency, conversion, teachers=50)
    assert target.holds(with_noise(kind, noise, teachers=50), votes)
    assert not target.holds(with_noise(kind, noise * (1 - 1e-6), teachers=50), votes)
    assert releases_for(with_noise(kind, noise, teachers=50), target) == votes


def test_plan_says_plainly_what_cannot_be_had():
    plans = plan(Study("silo", 40, 20, 2000, 49), Target(1.0, 1e-5))
    assert plans[0].verdict.startswith("cannot be met: 40 teachers, the noise would be 1,668 votes")
    assert [p.mechanism for p in plans][-1] == "dp-fedavg"
    many = plan(Study("utterance", 5000, 20, 200, 0), Target(8.0, 1e-6))
    assert all(p.met for p in many)
    assert many[-1].mechanism == "dp-sgd"
    for made in (*plans, *many):
        assert made.met == (made.affordable >= made.releases)
