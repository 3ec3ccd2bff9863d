"""The accountants inverted: the noise that a target needs, and what it buys."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from scipy.optimize import brentq

from fedasr.common.errors import UserError, nearest
from fedasr.privacy.accounting.budget import Budget, budget_for
from fedasr.privacy.accounting.composition import composed_rdp
from fedasr.privacy.accounting.conversion import ORDERS, Conversion, checked_delta, epsilon_of
from fedasr.privacy.accounting.losses import pld_epsilon
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.confident_max import ConfidentGNMax
from fedasr.privacy.mechanisms.gaussian import GaussianSum, NoisyMean, SampledGaussian
from fedasr.privacy.mechanisms.mechanism import Mechanism, checked_number
from fedasr.privacy.mechanisms.noisy_max import GNMax, LNMax

LEAST_NOISE, MOST_NOISE, LEAST_SAMPLED_NOISE = 1e-6, 1e12, 1e-2
SAMPLED_PRECISION = 1e-4
"""Of the noise of sampled sums, relative: each try composes a privacy-loss distribution."""
_FAR = 50.0
MOST_EPSILON = 1e6
"""Beyond it the accountants' numbers overflow, and no promise is left to be made."""


@dataclass(frozen=True)
class Target:
    """What is promised."""

    epsilon: float
    delta: float
    adjacency: Adjacency = "replace-one"
    conversion: Conversion = "exact"

    def __post_init__(self) -> None:
        checked_number("epsilon", self.epsilon)
        checked_delta(self.delta)
        if self.epsilon == 0:
            raise UserError("epsilon = 0: no finite noise gives it; ask for more than 0")
        if self.epsilon > MOST_EPSILON:
            raise UserError(f"epsilon = {self.epsilon:g}: must be at most {MOST_EPSILON:g}; more promises nothing")

    def budget(self, mechanism: Mechanism) -> Budget:
        """Return the filter that pays for most of these releases within the target."""
        return budget_for(mechanism, self.epsilon, self.delta, self.adjacency, self.conversion)

    def holds(self, mechanism: Mechanism, count: int) -> bool:
        """Whether so many releases stay within the target: of sampled sums, so many as were fixed in advance."""
        if not count:
            return True
        return self.epsilon_of(mechanism, count) <= self.epsilon if is_sampled(mechanism) else (
            self.budget(mechanism).allows(mechanism, count)
        )  # fmt: skip

    def epsilon_of(self, mechanism: Mechanism, count: int) -> float:
        """Return the ε of so many sampled sums: by privacy-loss distributions where these are had, else by Rényi's."""
        if self.conversion == "exact":
            pld = pld_epsilon([(mechanism, count)], self.delta, self.adjacency)
            if math.isfinite(pld):
                return pld
        rdp = composed_rdp({mechanism: count}, self.adjacency)
        return epsilon_of(ORDERS, rdp, self.delta, self.conversion)


def is_sampled(mechanism: Mechanism) -> bool:
    """Return whether a mechanism is a sampled sum, which no filter counts: how often it is released is fixed before."""
    return isinstance(mechanism, SampledGaussian) and mechanism.gaussian_mu("add-remove") is None


def with_noise(
    kind: str, noise: float, rate: float = 1.0, teachers: int = 1, threshold: float = 0.0, check_ratio: float = 1.5,
    largest_weight: float = 1.0,
) -> Mechanism:  # fmt: skip
    """Return the mechanism of a kind with this much noise: σ, λ or the noise multiplier.

    ``check_ratio`` is a Confident-GNMax check's σ₁ over σ; ``rate`` and ``teachers`` concern the kinds that have them.
    """
    makers: dict[str, Callable[[], Mechanism]] = {
        "gnmax": lambda: GNMax(noise, largest_weight),
        "lnmax": lambda: LNMax(noise, largest_weight),
        "confident-gnmax": lambda: ConfidentGNMax(noise, threshold, check_ratio * noise, largest_weight),
        "noisy-mean": lambda: NoisyMean(noise, teachers),
        "gaussian-sum": lambda: GaussianSum(noise),
        "sampled-gaussian": lambda: SampledGaussian(noise, rate=rate),
    }
    if kind not in makers:
        raise UserError(f"mechanism '{kind}' is not known{nearest(kind, makers)}")
    return makers[kind]()


@lru_cache(maxsize=256)
def noise_for(
    kind: str, votes: int, epsilon: float, delta: float, adjacency: Adjacency = "replace-one",
    conversion: Conversion = "exact", *, rate: float = 1.0, teachers: int = 1, check_ratio: float = 1.5,
    largest_weight: float = 1.0,
) -> float:  # fmt: skip
    """Return the least noise (σ, λ or noise multiplier) at which ``votes`` releases stay within ε at δ.

    Never below it: the returned noise was found to hold the target, and a budget for the target pays for all that is
    planned. To 1e-9 relative; of sampled sums to 1e-4.
    """
    target = Target(epsilon, delta, adjacency, conversion)
    checked_number("votes", votes)

    def made(noise: float) -> Mechanism:
        return with_noise(kind, noise, rate, teachers, 0.0, check_ratio, largest_weight)

    if votes and is_sampled(made(1.0)):
        return _sampled_noise(target, made, votes)
    if not target.holds(made(MOST_NOISE), votes):
        raise UserError(f"epsilon = {epsilon}, delta = {delta}: no noise gives it at the orders accounted; raise delta")
    return _least(lambda noise: target.holds(made(noise), votes), LEAST_NOISE, MOST_NOISE, 1e-9)


def _least(holds: Callable[[float], bool], low: float, high: float, precision: float) -> float:
    """Return the least noise that holds, of which the higher end does."""
    bottom, top = math.log(low), math.log(high)
    while top - bottom > precision:
        middle = (bottom + top) / 2
        bottom, top = (bottom, middle) if holds(math.exp(middle)) else (middle, top)
    return math.exp(top)


def _sampled_noise(target: Target, made: Callable[[float], Mechanism], count: int) -> float:
    """Return the noise of sampled sums, sought in logarithms, in which ε is nearly a straight line."""

    def beyond(log_noise: float) -> float:
        """Return ln of ε over the target: at most 0 where the target holds."""
        epsilon = target.epsilon_of(made(math.exp(log_noise)), count)
        return min(max(math.log(epsilon / target.epsilon), -_FAR), _FAR) if epsilon else -_FAR

    whole = replace(target, conversion="exact")
    high = math.log(_least(lambda z: whole.holds(made(z).unsampled(), count), LEAST_NOISE, MOST_NOISE, 1e-3))
    while beyond(high) > 0:  # another conversion may need more than everybody's taking part needs by the exact one
        high += 1
        if high > math.log(MOST_NOISE):
            raise UserError(f"epsilon = {target.epsilon}, delta = {target.delta}: no noise gives it; raise delta")
    low = high - 1
    while beyond(low) <= 0:
        high, low = low, low - 1
        if low < math.log(LEAST_SAMPLED_NOISE):
            return math.exp(high)
    found = float(brentq(beyond, low, high, xtol=SAMPLED_PRECISION / 2))
    while beyond(found) > 0:
        found += SAMPLED_PRECISION / 4
    return math.exp(found)


def releases_for(mechanism: Mechanism, target: Target, most: int = 10**12) -> int:
    """Return the largest number of releases within the target, at most ``most``; of sampled sums to a hundredth."""
    if not is_sampled(mechanism):
        return min(target.budget(mechanism).affordable(mechanism), most)
    low, high = 0, 1
    while high <= most and target.holds(mechanism, high):
        low, high = high, high * 4
    high = min(high, most + 1)
    while high - low > max(1, low // 100):
        middle = math.isqrt(low * high) if low > 1 else (low + high) // 2
        middle = min(max(middle, low + 1), high - 1)
        low, high = (middle, high) if target.holds(mechanism, middle) else (low, middle)
    return low
