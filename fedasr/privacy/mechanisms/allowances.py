"""What a filter lets through in all, as one mechanism: a total that was fixed before the first answer.

What is asked next may depend on earlier answers; as long as the costs of all releases sum to no more than the limit,
all together are as private as the allowance. That is proven for a sum of squares of Gaussian parameters (Smith and
Thakurta 2022, arXiv 2210.17520), of pure ε (Rogers et al. 2016, arXiv 1605.08294) and of Rényi divergences at one order
(Feldman and Zrnic 2021, arXiv 2008.11193). Going on while either of two filters allows it is no filter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np

from fedasr.privacy.accounting.conversion import Curve
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.mechanism import Mechanism, checked_number


class Allowance(Mechanism):
    """A limit on a sum of costs."""

    @property
    def limit(self) -> Fraction:
        """What may be spent in all."""
        raise NotImplementedError

    def cost(self, mechanism: Mechanism, adjacency: Adjacency) -> Fraction | float:
        """Return what one release costs: a fraction, or infinity where it is not bounded so."""
        return sum((_exact(self.cost_of_part(part, adjacency)) for part in mechanism.parts()), Fraction(0))

    def cost_of_part(self, part: Mechanism, adjacency: Adjacency) -> Fraction | float:
        """Return what one of the `Mechanism.parts` of a release costs."""
        raise NotImplementedError

    def lowered(self, limit: Fraction) -> Self:
        """Return the allowance with the least limit at or above this one, never above its own."""
        raise NotImplementedError

    def sensitivity(self, adjacency: Adjacency) -> float:
        return math.nan


@dataclass(frozen=True)
class GaussianBudget(Allowance):
    """At most μ² in all of Gaussian releases without sampling, each of some parameter μᵢ.

    Guarantee: that of the Gaussian mechanism of parameter μ, however the releases depend on each other. Source: Smith
    and Thakurta 2022 (arXiv 2210.17520), whose filter compares ``Σ μᵢ²`` with μ².
    """

    mu: float
    kind: ClassVar[str] = "gaussian-budget"

    def __post_init__(self) -> None:
        checked_number("mu", self.mu)

    def gaussian_mu(self, adjacency: Adjacency) -> float:
        return self.mu

    def rdp(self, orders: Curve, adjacency: Adjacency) -> Curve:
        return orders * self.mu**2 / 2

    @property
    def limit(self) -> Fraction:
        return Fraction(self.mu) ** 2

    def cost_of_part(self, part: Mechanism, adjacency: Adjacency) -> Fraction | float:
        mu = part.gaussian_mu(adjacency)
        return math.inf if mu is None or math.isinf(mu) else Fraction(mu) ** 2

    def lowered(self, limit: Fraction) -> GaussianBudget:
        mu = math.sqrt(limit)
        while Fraction(mu) ** 2 < limit:
            mu = math.nextafter(mu, math.inf)
        return GaussianBudget(min(mu, self.mu))


@dataclass(frozen=True)
class PureBudget(Allowance):
    """At most ε in all of releases each of some pure εᵢ.

    Guarantee: ε-differential privacy, δ = 0. Source: Rogers et al. 2016 (arXiv 1605.08294), section 4: the sum of pure
    εᵢ is a filter.
    """

    epsilon: float
    kind: ClassVar[str] = "pure-budget"

    def __post_init__(self) -> None:
        checked_number("epsilon", self.epsilon)

    def pure_epsilon(self, adjacency: Adjacency) -> float:
        return self.epsilon

    def rdp(self, orders: Curve, adjacency: Adjacency) -> Curve:
        return np.minimum(self.epsilon**2 * orders / 2, self.epsilon)

    @property
    def limit(self) -> Fraction:
        return Fraction(self.epsilon)

    def cost_of_part(self, part: Mechanism, adjacency: Adjacency) -> float:
        return part.pure_epsilon(adjacency)

    def lowered(self, limit: Fraction) -> PureBudget:
        return PureBudget(min(_at_least(limit), self.epsilon))


@dataclass(frozen=True)
class RenyiBudget(Allowance):
    """At most a Rényi divergence in all, at one order.

    Guarantee: that divergence at that order, and so at every smaller one. Source: Feldman and Zrnic 2021 (arXiv
    2008.11193), Theorem 4.3.
    """

    order: float
    divergence: float
    kind: ClassVar[str] = "renyi-budget"

    def __post_init__(self) -> None:
        checked_number("order", self.order, 1.0)
        checked_number("divergence", self.divergence)

    def rdp(self, orders: Curve, adjacency: Adjacency) -> Curve:
        return np.where(orders <= self.order, self.divergence, np.inf)

    @property
    def limit(self) -> Fraction:
        return Fraction(self.divergence)

    def cost_of_part(self, part: Mechanism, adjacency: Adjacency) -> float:
        return float(part.rdp(np.array([self.order]), adjacency)[0])

    def lowered(self, limit: Fraction) -> RenyiBudget:
        return RenyiBudget(self.order, min(_at_least(limit), self.divergence))


def _exact(cost: Fraction | float) -> Fraction | float:
    return Fraction(cost) if math.isfinite(cost) else math.inf


def _at_least(value: Fraction) -> float:
    """Return the least float at or above a number."""
    found = float(value)
    return found if Fraction(found) >= value else math.nextafter(found, math.inf)
