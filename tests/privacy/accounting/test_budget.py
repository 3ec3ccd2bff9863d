"""The budget: not one release more than the target pays, and all that were planned."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.draws import examples

from fedasr.common.errors import UserError
from fedasr.privacy.accounting.budget import budget_for
from fedasr.privacy.accounting.calibration import noise_for, with_noise
from fedasr.privacy.accounting.promise import Promise
from fedasr.privacy.mechanisms.allowances import GaussianBudget, PureBudget, RenyiBudget
from fedasr.privacy.mechanisms.noisy_max import GNMax, LNMax

KINDS = st.sampled_from(["gnmax", "lnmax", "confident-gnmax", "noisy-mean"])
ADJACENCIES = st.sampled_from(["replace-one", "add-remove"])


@given(st.floats(0.5, 30), st.floats(10, 200), st.integers(1, 5))
def test_so_many_releases_are_allowed_and_not_one_more(epsilon: float, sigma: float, spent: int) -> None:
    vote = GNMax(sigma)
    budget = budget_for(vote, epsilon, 1e-5)
    charged = {vote: min(spent, budget.affordable(vote))}
    count = budget.affordable(vote, charged)
    assert budget.allows(vote, count, charged)
    assert not budget.allows(vote, count + 1, charged)
    assert budget.spent(charged) + count * budget.cost(vote) <= budget.allowance.limit


@given(KINDS, st.integers(1, 200), st.floats(0.05, 40), st.sampled_from([1e-5, 1e-6, 1e-9]), ADJACENCIES)
@examples(60)
def test_what_is_planned_is_affordable_and_within_the_target(
    kind: str, votes: int, epsilon: float, delta: float, adjacency: Any
) -> None:
    """The plan and the filter that stops the votes are one and the same."""
    vote = with_noise(kind, noise_for(kind, votes, epsilon, delta, adjacency, teachers=7), teachers=7)
    budget = budget_for(vote, epsilon, delta, adjacency)
    assert budget.affordable(vote) == votes
    assert Promise("silo", adjacency, delta, ((budget.allowance, 1),)).epsilon <= epsilon


@pytest.mark.parametrize("votes", [1, 2, 5, 10, 20, 29, 64, 500])
@pytest.mark.parametrize(("epsilon", "delta"), [(8.0, 1e-5), (1.0, 1e-5), (2.0, 1e-6)])
def test_few_votes_of_laplace_noise_are_paid_by_their_pure_epsilon(epsilon: float, delta: float, votes: int) -> None:
    """The filter used to stand at an order that is best for Gaussians, and paid half of the planned votes or none."""
    vote = LNMax(noise_for("lnmax", votes, epsilon, delta))
    budget = budget_for(vote, epsilon, delta)
    assert budget.affordable(vote) == votes
    assert isinstance(budget.allowance, PureBudget if votes * 2 / vote.scale <= epsilon else RenyiBudget)


def test_charges_however_small_are_counted_and_nothing_is_let_through_at_the_limit() -> None:
    large, small = GNMax(1.0), GNMax(1e9)
    budget = budget_for(large, 8.0, 1e-5)
    spent = budget.spent({large: 1, small: 1000}) - budget.spent({large: 1})
    assert spent == 1000 * budget.cost(small) > 0
    full = budget.at_most(large, 1)
    assert full.affordable(large) == 1
    assert not full.allows(GNMax(1e7), 1000, {large: 1})


@given(KINDS, st.integers(1, 10**6), st.floats(1, 500))
def test_a_public_number_of_releases_lowers_what_is_promised(kind: str, count: int, noise: float) -> None:
    vote = with_noise(kind, noise, teachers=3)
    budget = budget_for(vote, 50.0, 1e-5)
    lowered = budget.at_most(vote, count)
    assert lowered.affordable(vote) == min(count, budget.affordable(vote))
    assert lowered.allowance.limit <= budget.allowance.limit
    assert lowered.allowance.limit <= count * budget.cost(vote) * (1 + Fraction(1, 10**15))


def test_a_mixture_of_checks_and_answers_is_charged_as_its_parts() -> None:
    vote = with_noise("confident-gnmax", 31.7, threshold=10.0)
    budget = budget_for(vote, 8.0, 1e-5).at_most(vote, 1000)
    check, answer = vote.parts()
    assert budget.allows(vote, 1, {check: 999, answer: 999})
    assert not budget.allows(answer, 2, {check: 1000, answer: 999})


def test_what_no_filter_bounds_is_never_afforded_and_what_costs_nothing_is_refused() -> None:
    assert budget_for(GNMax(10.0), 8.0, 1e-5).affordable(LNMax(10.0)) == 0
    assert budget_for(GNMax(0.0), 8.0, 1e-5).affordable(GNMax(0.0)) == 0
    assert budget_for(GNMax(10.0), 1e-9, 1e-12).affordable(GNMax(10.0)) == 0
    with pytest.raises(UserError, match="costs nothing"):
        budget_for(GNMax(10.0), 8.0, 1e-5).affordable(GNMax(10.0, largest_weight=0.0))


def test_gaussian_votes_are_counted_by_their_squared_parameters() -> None:
    budget = budget_for(GNMax(40.0), 8.0, 1e-5)
    assert isinstance(budget.allowance, GaussianBudget)
    assert budget.affordable(GNMax(40.0)) == int(1.6660306**2 * 800)
    classic = budget_for(GNMax(40.0), 8.0, 1e-5, conversion="classic")
    assert isinstance(classic.allowance, RenyiBudget)
    assert budget.affordable(GNMax(40.0)) > 1.3 * classic.affordable(GNMax(40.0)), "a third more votes"
