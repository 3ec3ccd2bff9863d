"""A vote budget that stops before the target is exceeded, though what is asked next depends on the answers."""

from __future__ import annotations

import math

import numpy as np

from fedasr.common.errors import UserError
from fedasr.privacy.accounting.conversion import ORDERS, Conversion, Curve, checked_delta, epsilon_at
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.mechanism import Mechanism, checked_number


class BudgetExhaustedError(Exception):
    """The next release would exceed the target; nothing was charged."""


class Budget:
    """A Rényi filter (Feldman and Zrnic 2021, arXiv 2008.11193) at one order, fixed before the first answer.

    Guarantee: whatever is asked, and however the questions depend on earlier answers, all charged releases together
    are (target ε, δ)-differentially private: their data-independent divergences at the fixed order never sum to more
    than what converts to the target there. The order is the one of ``orders`` at which the most Gaussian releases of
    any σ fit. ε = 0 or a δ too small for any order: nothing is ever allowed.

    Attributes
    ----------
    spent : float
        The divergence at the fixed order of all that was charged; whoever holds the ledger says it.
    """

    def __init__(
        self, target_epsilon: float, delta: float, orders: Curve = ORDERS, adjacency: Adjacency = "replace-one",
        conversion: Conversion = "classic",
    ) -> None:  # fmt: skip
        checked_number("target epsilon", target_epsilon)
        self.target_epsilon, self.delta = target_epsilon, checked_delta(delta)
        self.adjacency, self.conversion = adjacency, conversion
        room = target_epsilon - _overhead(orders, delta, conversion)
        best = int(np.argmax(room / orders))
        self.order = float(orders[best])
        self.limit = max(float(room[best]), 0.0)
        self.spent = 0.0

    def cost(self, mechanism: Mechanism) -> float:
        """Return the divergence of one release at the fixed order."""
        return float(mechanism.rdp(np.array([self.order]), self.adjacency)[0])

    def affordable(self, mechanism: Mechanism) -> int:
        """Return how many more such releases fit."""
        cost = self.cost(mechanism)
        if cost == 0:
            raise UserError(f"{mechanism.kind} costs nothing: any number of releases fits the budget")
        count = max(math.floor((self.limit - self.spent) / cost * (1 + 1e-12)), 0)
        return count if self.allows(mechanism, count) else count - 1

    def allows(self, mechanism: Mechanism, count: int = 1) -> bool:
        """Whether ``count`` more such releases stay within the target."""
        return count == 0 or self.spent + count * self.cost(mechanism) <= self.limit * (1 + 1e-12)

    def epsilon(self) -> float:
        """Return the ε of what was charged, at the fixed order; 0 before the first charge."""
        if not self.spent:
            return 0.0
        return float(epsilon_at(np.array([self.order]), np.array([self.spent]), self.delta, self.conversion)[0])


def _overhead(orders: Curve, delta: float, conversion: Conversion) -> Curve:
    """Return what conversion adds to a divergence at each order (it adds the same to any)."""
    return epsilon_at(orders, np.full(len(orders), 1e6), delta, conversion) - 1e6
