"""The budget: not one release more than the target pays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fedasr.privacy.accounting.budget import Budget
from fedasr.privacy.accounting.calibration import Target, releases_for
from fedasr.privacy.mechanisms.noisy_max import GNMax


@given(st.floats(0.5, 30), st.floats(10, 200), st.integers(1, 5))
def test_so_many_releases_are_allowed_and_not_one_more(epsilon: float, sigma: float, spent: int) -> None:
    budget, vote = Budget(epsilon, 1e-5), GNMax(sigma)
    budget.spent = min(spent * budget.cost(vote), budget.limit)
    count = budget.affordable(vote)
    assert budget.allows(vote, count)
    assert not budget.allows(vote, count + 1)
    assert budget.spent + count * budget.cost(vote) <= budget.limit * (1 + 1e-9)


def test_a_budget_pays_what_the_accountant_says_the_target_holds() -> None:
    vote = GNMax(40.0)
    count = releases_for(vote, Target(8.0, 1e-5))
    assert Budget(8.0, 1e-5).allows(vote, count)
    assert not Budget(8.0, 1e-5).allows(vote, count + 1)
