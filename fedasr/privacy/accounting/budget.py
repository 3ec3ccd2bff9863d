"""A budget of releases that stops before the target is exceeded, though what is asked next depends on the answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from fedasr.common.errors import UserError
from fedasr.privacy.accounting.conversion import ORDERS, Conversion, checked_delta, epsilon_of, overhead_at
from fedasr.privacy.accounting.exact import largest_mu
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.allowances import Allowance, GaussianBudget, PureBudget, RenyiBudget
from fedasr.privacy.mechanisms.mechanism import Mechanism, checked_number

NOTHING: Mapping[Mechanism, int] = {}


class BudgetExhaustedError(Exception):
    """The next release would exceed the target; nothing was charged."""


@dataclass(frozen=True)
class Budget:
    """A filter, fixed before the first answer.

    Guarantee: whatever is asked, and however the questions depend on earlier answers, all charged releases together
    are as private as the allowance, since their costs never sum to more than its limit. Costs are summed as exact
    fractions: nothing is too small to count, and nothing is let through beyond the limit.

    Attributes
    ----------
    allowance : Allowance
        What is promised in all: `budget_for` chooses it.
    adjacency : {"replace-one", "add-remove"}
    """

    allowance: Allowance
    adjacency: Adjacency = "replace-one"

    def cost(self, mechanism: Mechanism) -> Fraction | float:
        """Return what one release takes of the limit; infinite where nothing bounds it so."""
        return self.allowance.cost(mechanism, self.adjacency)

    def spent(self, charged: Mapping[Mechanism, int]) -> Fraction | float:
        """Return what so many releases have taken."""
        return sum((count * self.cost(mechanism) for mechanism, count in charged.items() if count), Fraction(0))

    def affordable(self, mechanism: Mechanism, charged: Mapping[Mechanism, int] = NOTHING) -> int:
        """Return how many more such releases fit beside those that were charged."""
        cost, left = self.cost(mechanism), self.allowance.limit - self.spent(charged)
        if cost == 0:
            raise UserError(f"{mechanism.kind} costs nothing: any number of releases fits the budget")
        return max(math.floor(left / cost), 0) if math.isfinite(left) and math.isfinite(cost) else 0

    def allows(self, mechanism: Mechanism, count: int = 1, charged: Mapping[Mechanism, int] = NOTHING) -> bool:
        """Whether so many more such releases stay within the limit."""
        return count == 0 or self.spent(charged) + count * self.cost(mechanism) <= self.allowance.limit

    def at_most(self, mechanism: Mechanism, count: int) -> Budget:
        """Return the budget, lowered to a public number of releases if those take less than its limit."""
        cost = self.cost(mechanism)
        if not isinstance(cost, Fraction):
            return self
        return Budget(self.allowance.lowered(count * cost), self.adjacency)


def budget_for(
    mechanism: Mechanism, target_epsilon: float, delta: float, adjacency: Adjacency = "replace-one",
    conversion: Conversion = "exact",
) -> Budget:  # fmt: skip
    """Return the budget within ε at δ that pays for most releases of a mechanism, chosen from public numbers alone.

    Gaussian releases without sampling are counted exactly, by the sum of their μ², unless another conversion is asked
    for; all others by their pure ε, or by their Rényi divergence at the order at which most of them fit. ε = 0 or a δ
    too small for any order: nothing is ever allowed.
    """
    checked_number("target epsilon", target_epsilon)
    checked_delta(delta)
    allowances = _allowances(mechanism, target_epsilon, delta, adjacency, conversion)
    budgets = (Budget(allowance, adjacency) for allowance in allowances)
    return max(budgets, key=lambda budget: _limit_over_cost(budget, mechanism))


def _allowances(
    mechanism: Mechanism, epsilon: float, delta: float, adjacency: Adjacency, conversion: Conversion
) -> Iterator[Allowance]:
    if conversion == "exact" and mechanism.gaussian_mu(adjacency) is not None:
        yield GaussianBudget(largest_mu(epsilon, delta))
        return
    rdp, room = mechanism.rdp(ORDERS, adjacency), epsilon - overhead_at(ORDERS, delta, conversion)
    best = int(np.argmax(np.where(rdp > 0, room / np.maximum(rdp, 1e-300), -np.inf)))
    yield _renyi(float(ORDERS[best]), max(float(room[best]), 0.0), epsilon, delta, conversion)
    if math.isfinite(mechanism.pure_epsilon(adjacency)):
        yield PureBudget(epsilon)


def _renyi(order: float, room: float, epsilon: float, delta: float, conversion: Conversion) -> RenyiBudget:
    """Return the largest divergence at an order that converts to no more than ε."""
    while room and epsilon_of(np.array([order]), np.array([room]), delta, conversion) > epsilon:
        room = math.nextafter(room, 0.0)
    return RenyiBudget(order, room)


def _limit_over_cost(budget: Budget, mechanism: Mechanism) -> Fraction | float:
    cost = budget.cost(mechanism)
    return budget.allowance.limit / cost if cost else math.inf
