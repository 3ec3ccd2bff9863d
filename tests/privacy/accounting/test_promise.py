"""What is promised before the first answer, and what a ledger leaves of it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fedasr.common.errors import UserError
from fedasr.privacy.accounting.account import BROKEN, account_of
from fedasr.privacy.accounting.calibration import noise_for
from fedasr.privacy.accounting.conversion import ORDERS, epsilon_of
from fedasr.privacy.accounting.exact import gaussian_epsilon
from fedasr.privacy.accounting.ledger import Ledger, Release
from fedasr.privacy.accounting.promise import Promise, promise_from, together
from fedasr.privacy.accounting.sampled_gaussian import dpsgd_epsilon
from fedasr.privacy.mechanisms.allowances import GaussianBudget, PureBudget, RenyiBudget
from fedasr.privacy.mechanisms.confident_max import ThresholdCheck
from fedasr.privacy.mechanisms.gaussian import GaussianSum, SampledGaussian
from fedasr.privacy.mechanisms.noisy_max import GNMax, LNMax

VOTE, STEP = GNMax(40.0), SampledGaussian(1.5, 1.0, 0.1)


def _promise(*planned: Any, unit: str = "silo", adjacency: Any = "replace-one", delta: float = 1e-5) -> Promise:
    return Promise(unit, adjacency, delta, planned)


def _released(mechanism: Any, count: int, key: str, digest: str = "a", **changes: Any) -> Release:
    made = Release(mechanism, "silo", "replace-one", "secure", "poisson", "poisson", count, key, digest)
    return replace(made, **changes)


def _ledger(*releases: Release) -> Ledger:
    ledger = Ledger()
    for release in releases:
        ledger.add(release)
    return ledger


@pytest.mark.parametrize(
    ("planned", "bounds", "smallest"),
    [
        (((VOTE, 100),), {"exact", "rdp"}, "exact"),
        (((LNMax(50.0), 10),), {"pure", "rdp"}, "pure"),
        (((LNMax(20.0), 1000),), {"pure", "rdp"}, "rdp"),
        (((STEP, 100),), {"pld", "rdp"}, "pld"),
        (((STEP, 100), (VOTE, 10)), {"pld", "rdp"}, "pld"),
        (((STEP, 100), (LNMax(50.0), 10)), {"rdp"}, "rdp"),
        (((GaussianSum(0.0), 1),), set(), None),
        (((PureBudget(3.0), 1),), {"pure", "rdp"}, "pure"),
        (((RenyiBudget(20.0, 1.0), 1),), {"rdp"}, "rdp"),
    ],
)
def test_of_all_that_is_proven_the_smallest_is_promised(planned: Any, bounds: set[str], smallest: str | None) -> None:
    promise = _promise(*planned)
    assert set(promise.bounds) == bounds
    assert promise.bound == smallest
    assert promise.epsilon == min(promise.bounds.values(), default=math.inf)


def test_an_allowance_in_one_rényi_divergence_is_worth_its_order() -> None:
    promise = _promise((RenyiBudget(20.0, 1.0), 1))
    assert promise.epsilon == pytest.approx(1.0 + math.log(1e5) / 19)


@pytest.mark.parametrize("planned", [((VOTE, 3), (STEP, 2)), ((GaussianBudget(1.5), 1),), ((PureBudget(2.0), 1),), ()])
def test_a_promise_goes_through_json(planned: Any) -> None:
    promise = _promise(*planned)
    assert promise_from(json.loads(json.dumps(promise.fields()))) == promise


def test_promises_compose_into_one() -> None:
    """Two seeds of the same silos: 1.0845 exactly, where one is 0.7417."""
    seed = _promise((SampledGaussian(19.602224741948934, 0.3, 1.0), 4))
    assert seed.epsilon == pytest.approx(0.741637, abs=1e-6)
    assert together([seed, seed], 1e-5).epsilon == pytest.approx(1.084480, abs=1e-6)
    assert together([seed] * 3, 1e-5).epsilon == pytest.approx(1.356, abs=1e-3)
    mixed = together([seed, _promise((GaussianBudget(0.5), 1))], 1e-6)
    assert (mixed.delta, mixed.bound) == (1e-6, "exact")
    for other in (_promise(unit="utterance"), _promise(adjacency="add-remove")):
        with pytest.raises(UserError, match="do not add up"):
            together([seed, other], 1e-5)
    with pytest.raises(UserError, match="none"):
        together([], 1e-5)


def test_what_was_not_released_is_promised_all_the_same() -> None:
    """What the realised number of votes cost depends on the answers: it is told, and is no guarantee."""
    promise = _promise((GaussianBudget(1.0), 1))
    account = account_of(promise, _ledger(_released(VOTE, 10, "votes")))
    assert account.epsilon == gaussian_epsilon(1.0, 1e-5)
    assert account.epsilon_spent == pytest.approx(gaussian_epsilon(math.sqrt(20) / 40, 1e-5))
    assert account.epsilon_spent < account.epsilon
    assert (account.bound, account.kind) == ("exact", "data-independent")
    assert account_of(promise, Ledger()).epsilon is None, "nothing was released"


def test_a_release_that_a_crash_made_twice_raises_what_is_promised() -> None:
    promise = _promise((STEP, 2))
    twice = _ledger(_released(STEP, 1, "1"), _released(STEP, 1, "2"), _released(STEP, 1, "2", "b"))
    account = account_of(promise, twice)
    assert account.promise == _promise((STEP, 3))
    assert account.epsilon == account.epsilon_spent > promise.epsilon


def test_more_than_was_planned_promises_nothing() -> None:
    more = _ledger(*(_released(STEP, 1, str(key)) for key in range(3)))
    for promise, ledger in (
        (_promise((STEP, 2)), more),
        (_promise((VOTE, 2)), _ledger(_released(STEP, 1, "1"))),
        (_promise((GaussianBudget(1.0), 1)), _ledger(_released(VOTE, 801, "1"))),
        (_promise((GaussianBudget(1.0), 1)), _ledger(_released(LNMax(1e6), 1, "1"))),
    ):
        account = account_of(promise, ledger)
        assert (account.epsilon, account.epsilon_if_secure, account.kind) == (None, None, None)
        assert account.fields()["broken"] == BROKEN
    assert account_of(_promise((GaussianBudget(1.0), 1)), _ledger(_released(VOTE, 800, "1"))).epsilon is not None


@pytest.mark.parametrize(("answers", "stands"), [(0, True), (2, True), (3, False), (20, False), (40, False)])
def test_how_much_went_through_a_filter_again_raises_no_promise(answers: int, stands: bool) -> None:
    """It used to be added: 5.712 and 6.529 were promised after 20 and 40 more, whose number follows from answers."""
    check, answer = ThresholdCheck(10.0, 15.0), GNMax(10.0)
    first = [_released(check, 40, "chunk"), _released(answer, 30, "chunk", "b")]
    again = [_released(check, 40, "chunk", "c"), _released(answer, answers, "chunk", "d")]
    promise = _promise((GaussianBudget(1.0), 1))
    account = account_of(promise, _ledger(*first, *again))
    assert account.broken == ("" if stands else BROKEN)
    assert account.epsilon == (promise.epsilon if stands else None)


def test_a_count_that_was_planned_is_raised_beside_a_filter_but_not_beyond_it() -> None:
    promise = _promise((STEP, 2), (GaussianBudget(1.0), 1))
    steps = [_released(STEP, 1, "1"), _released(STEP, 1, "2"), _released(STEP, 1, "2", "b")]
    account = account_of(promise, _ledger(*steps, _released(VOTE, 800, "votes")))
    assert account.promise == _promise((STEP, 3), (GaussianBudget(1.0), 1))
    broken = account_of(promise, _ledger(*steps, _released(VOTE, 800, "votes"), _released(VOTE, 1, "votes", "b")))
    assert broken.broken == BROKEN
    mixed = _promise((VOTE, 10), (GaussianBudget(0.25), 1))  # the filter pays for 50, ten of the first 20 among them
    assert account_of(mixed, _ledger(_released(VOTE, 20, "1"), _released(VOTE, 40, "1", "b"))).promise == mixed
    assert account_of(mixed, _ledger(_released(VOTE, 20, "1"), _released(VOTE, 41, "1", "b"))).broken == BROKEN


def test_what_was_inherited_is_no_second_attempt() -> None:
    """Two rows number their rounds alike; the keys of the one before are no attempts of the other's."""
    ledger = _ledger(*(_released(STEP, 1, key, digest) for digest in "ab" for key in "12"))
    assert account_of(_promise((STEP, 4)), ledger, 2).promise == _promise((STEP, 4))
    more = _ledger(*(_released(STEP, 1, key, "a") for key in "12"), *(_released(STEP, 1, key, "b") for key in "123"))
    assert account_of(_promise((STEP, 4)), more, 2).broken == BROKEN


@pytest.mark.parametrize("changes", [{"noise": "reproducible"}, {"sampling_used": "all"}, {"sampling_assumed": "all"}])
def test_a_void_promise_is_no_number(changes: dict[str, str]) -> None:
    account = account_of(_promise((STEP, 1), (STEP.unsampled(), 1)), _ledger(_released(STEP, 1, "1", **changes)))
    assert (account.kind, account.epsilon, account.epsilon_spent, account.bound) == ("void", None, None, None)
    told = account.fields()
    assert told["epsilon_if_secure"] == account.promise.epsilon
    assert told["bounds"] == {}


def test_a_rate_amplifies_only_where_sampling_is_poissons_as_assumed_and_as_done() -> None:
    """It used to be amplified, and to hold, where all were said to take part."""
    everybody = {"sampling_assumed": "all", "sampling_used": "all"}
    ledger = _ledger(_released(STEP, 1, "1", **everybody))
    assert ledger.summary(1e-5).epsilon == pytest.approx(gaussian_epsilon(2 / 1.5, 1e-5))
    assert ledger.summary(1e-5).kind == "accountant"
    assert _ledger(_released(STEP, 1, "1")).summary(1e-5).epsilon < 1.2
    assert _ledger(_released(STEP, 1, "1", sampling_used="all")).summary(1e-5).kind == "void"


@pytest.mark.parametrize(("z", "steps", "most"), [(0.3, 100, 19.66), (0.25, 50, 26.31)])
def test_at_little_noise_the_tight_bound_is_not_left_out(z: float, steps: int, most: float) -> None:
    """109.8 and 281.9 were printed: orders from 2 on, and no other accountant above 100."""
    promise = _promise((SampledGaussian(z, 1.0, 0.005), steps), unit="utterance", adjacency="add-remove")
    assert promise.bound == "pld"
    assert most - 0.05 < promise.epsilon <= most
    assert promise.bounds["rdp"] < 1.5 * promise.epsilon


@pytest.mark.parametrize(("steps", "epsilon"), [(1, 1.789), (10, 3.434)])
def test_a_sampled_sum_under_replace_one(steps: int, epsilon: float) -> None:
    promise = _promise((SampledGaussian(1.0, 1.0, 0.1), steps))
    assert promise.bounds["pld"] == pytest.approx(epsilon, abs=1e-3)
    assert promise.epsilon == promise.bounds["pld"]


def test_one_step_under_replace_one_is_the_pairs_hockey_stick() -> None:
    """By another route: the pair integrated."""
    for rate, z in ((0.1, 1.0), (0.5, 2.0), (0.9, 0.7)):
        x = np.linspace(-1 - 12 * z, 1 + 12 * z, 400_001)
        one, other = (
            (1 - rate) * np.exp(-(x**2) / (2 * z**2)) + rate * np.exp(-((x - at) ** 2) / (2 * z**2)) for at in (1, -1)
        )
        scale = (x[1] - x[0]) / (z * math.sqrt(2 * math.pi))
        epsilon = _promise((SampledGaussian(z, 1.0, rate), 1)).epsilon
        found = float(np.maximum(one - math.exp(epsilon) * other, 0).sum() * scale)
        assert 1e-5 * 0.97 <= found <= 1e-5 * (1 + 1e-4), (rate, z)


@pytest.mark.parametrize("epsilon", [0.03, 0.022, 0.015, 0.012])
def test_planner_ledger_and_command_have_the_same_orders(epsilon: float) -> None:
    z = noise_for("sampled-gaussian", 100, epsilon, 1e-5, "add-remove", "classic", rate=0.01)
    step = SampledGaussian(z, 1.0, 0.01)
    told = dpsgd_epsilon(step, 100, 1e-5).rdp
    promise = _promise((step, 100), unit="utterance", adjacency="add-remove")
    assert (
        told
        == pytest.approx(promise.bounds["rdp"], rel=1e-9)
        == epsilon_of(ORDERS, 100 * step.rdp(ORDERS, "add-remove"), 1e-5)
    )
    assert epsilon * (1 - 1e-3) <= told <= epsilon


@pytest.mark.parametrize(
    ("rate", "steps", "epsilon", "adjacency"), [(0.0043, 1000, 3.0, "add-remove"), (0.2, 40, 8.0, "replace-one")]
)
def test_noise_of_sampled_sums_is_planned_by_the_tighter_accountant(
    rate: float, steps: int, epsilon: float, adjacency: Any
) -> None:
    found = noise_for("sampled-gaussian", steps, epsilon, 1e-5, adjacency, rate=rate)
    assert found < 0.97 * noise_for("sampled-gaussian", steps, epsilon, 1e-5, adjacency, "classic", rate=rate)
    promise = _promise((SampledGaussian(found, 1.0, rate), steps), adjacency=adjacency)
    assert epsilon * (1 - 1e-3) <= promise.epsilon <= epsilon
