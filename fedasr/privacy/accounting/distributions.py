"""What dp-accounting's privacy-loss distributions make of Gaussian releases: see `losses`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import dp_accounting
from dp_accounting.pld import PLDAccountant

from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.gaussian import SampledGaussian
from fedasr.privacy.mechanisms.mechanism import Mechanism

_STEPS_OF_EPSILON, _STEPS_OF_ONE = 50_000, 20_000  # steps of the grid: to the ε to be told, and in one release's losses
_RELATIONS = {
    "add-remove": dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE,
    "replace-one": dp_accounting.NeighboringRelation.REPLACE_ONE,
}


@lru_cache(maxsize=1024)
def composed_epsilon(
    releases: tuple[tuple[Mechanism, int], ...], delta: float, adjacency: Adjacency, about: float
) -> float:
    """Return ε of releases at δ, on a grid that is fine enough for an ε of about so much."""
    asked = [_LossEvent.of(mechanism, count, adjacency) for mechanism, count in releases]
    interval = max([about / _STEPS_OF_EPSILON, 1e-9, *(event.width / _STEPS_OF_ONE for event in asked)])
    accountant = PLDAccountant(_RELATIONS[adjacency], interval)
    for event in asked:
        if event.mu:
            accountant.compose(event.event, event.count)
    epsilon = float(accountant.get_epsilon(delta))
    return composed_epsilon(releases, delta, adjacency, epsilon) if 0 < epsilon < about / 4 else epsilon


@dataclass(frozen=True)
class _LossEvent:
    """What dp-accounting is told of so many releases: the noise over C, from which it knows what a neighbour moves."""

    event: dp_accounting.DpEvent
    count: int
    mu: float
    width: float

    @classmethod
    def of(cls, mechanism: Mechanism, count: int, adjacency: Adjacency) -> _LossEvent:
        rate = mechanism.rate if isinstance(mechanism, SampledGaussian) else 1.0
        mu = mechanism.unsampled().gaussian_mu(adjacency) if rate else 0.0
        if not mu:
            return cls(dp_accounting.NoOpDpEvent(), count, 0.0, 0.0)
        event = dp_accounting.GaussianDpEvent((2.0 if adjacency == "replace-one" else 1.0) / mu)
        whole = mu * math.sqrt(count) if rate == 1 else mu
        sampled = event if rate == 1 else dp_accounting.PoissonSampledDpEvent(rate, event)
        return cls(sampled, count, mu, whole**2 + 20 * whole)
