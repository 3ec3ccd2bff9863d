"""The accountants inverted: the noise that a target needs, and what it buys."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from fedasr.common.errors import UserError, nearest
from fedasr.privacy.accounting.conversion import ORDERS, Conversion, Curve, checked_delta, epsilon_of
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.confident_max import ConfidentGNMax
from fedasr.privacy.mechanisms.gaussian import GaussianSum, NoisyMean, SampledGaussian
from fedasr.privacy.mechanisms.mechanism import Mechanism, checked_number
from fedasr.privacy.mechanisms.noisy_max import GNMax, LNMax

LEAST_NOISE, MOST_NOISE = 1e-6, 1e12


@dataclass(frozen=True)
class Target:
    """What is promised."""

    epsilon: float
    delta: float
    adjacency: Adjacency = "replace-one"
    conversion: Conversion = "classic"

    def __post_init__(self) -> None:
        checked_number("epsilon", self.epsilon)
        checked_delta(self.delta)
        if self.epsilon == 0:
            raise UserError("epsilon = 0: no finite noise gives it; ask for more than 0")

    def curve(self, mechanism: Mechanism) -> Curve:
        """Return the divergence of one release."""
        return mechanism.rdp(ORDERS, self.adjacency)

    def holds(self, curve: Curve, count: int) -> bool:
        """Whether so many releases, each of this divergence, stay within the target."""
        total = count * curve if count else curve * 0.0
        return epsilon_of(ORDERS, total, self.delta, self.conversion) <= self.epsilon


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


def noise_for(
    kind: str, votes: int, epsilon: float, delta: float, adjacency: Adjacency = "replace-one",
    conversion: Conversion = "classic", *, rate: float = 1.0, teachers: int = 1, check_ratio: float = 1.5,
    largest_weight: float = 1.0,
) -> float:  # fmt: skip
    """Return the least noise (σ, λ or noise multiplier) at which ``votes`` releases stay within ε at δ.

    Exact to 1e-9 relative and never below: the returned noise holds the target.
    """
    target = Target(epsilon, delta, adjacency, conversion)
    checked_number("votes", votes)

    def holds(noise: float) -> bool:
        mechanism = with_noise(kind, noise, rate, teachers, 0.0, check_ratio, largest_weight)
        return target.holds(target.curve(mechanism), votes)

    if not holds(MOST_NOISE):
        raise UserError(f"epsilon = {epsilon}, delta = {delta}: no noise gives it at the orders accounted; raise delta")
    low, high = math.log(LEAST_NOISE), math.log(MOST_NOISE)
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(math.exp(middle)) else (middle, high)
    return math.exp(high)


def releases_for(mechanism: Mechanism, target: Target, most: int = 10**12) -> int:
    """Return the largest number of releases within the target, at most ``most``."""
    curve, low, high = target.curve(mechanism), 0, 1
    while high < most and target.holds(curve, high):
        low, high = high, high * 2
    high = min(high, most + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if target.holds(curve, middle) else (low, middle)
    return low
