"""ε of Gaussian sums, sampled or not, by privacy-loss distributions (dp-accounting), each rounded up.

The pairs of distributions that stand for one release, and why they compose: `SampledGaussian`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import dp_accounting
from dp_accounting.pld import PLDAccountant

from fedasr.privacy.accounting.composition import Counts, composed_rdp, counted
from fedasr.privacy.accounting.conversion import ORDERS, epsilon_of
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.gaussian import SampledGaussian
from fedasr.privacy.mechanisms.mechanism import Mechanism

ROUNDING = 4e-12
"""What rounding may take from δ, a composition.

The Fourier coefficients of a distribution are at most 1, so those of its n-th power err by at most n times what those
of one err by. A transform of length N errs by about u·log₂N of its norm in L2 (u = 2⁻⁵³), by Parseval so does the
result, and a sum over its N entries by √N times that: at N = 2²¹ less than 4e-12 a composition. Errors that were
measured are a hundred thousandth of it, 5e-17 a composition.
"""
LARGEST_EPSILON = 1e6
"""Above it, which promises nothing, no distribution is computed."""
_STEPS_OF_EPSILON, _STEPS_OF_ONE = 50_000, 20_000  # steps of the grid: to the ε to be told, and in one release's losses
_FEW_ORDERS = ORDERS[::12]  # for a rough ε alone
_RELATIONS = {
    "add-remove": dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE,
    "replace-one": dp_accounting.NeighboringRelation.REPLACE_ONE,
}


def has_losses(mechanism: Mechanism) -> bool:
    """Return whether a mechanism has a privacy-loss distribution here."""
    return isinstance(mechanism, SampledGaussian) or mechanism.gaussian_mu("add-remove") is not None


def pld_epsilon(releases: Counts, delta: float, adjacency: Adjacency) -> float:
    """Return ε of Gaussian mechanisms and their counts, which must not depend on what was released.

    It is that at δ less what rounding may have taken, `ROUNDING` for each release. Infinite where a release has no
    noise, where rounding may take more than half of δ, and where ε is so large that it promises nothing and would take
    minutes to compute.

    Parameters
    ----------
    releases : iterable of tuple
        Mechanisms (those of `has_losses`) and how often each is released.
    delta : float
    adjacency : {"replace-one", "add-remove"}
    """
    counts = {mechanism: count for mechanism, count in counted(releases).items() if count}
    about = epsilon_of(_FEW_ORDERS, composed_rdp(counts, adjacency, _FEW_ORDERS), delta)
    taken = ROUNDING * sum(counts.values())
    if delta < 2 * taken or about > LARGEST_EPSILON:
        return math.inf
    return _epsilon(tuple(counts.items()), delta - taken, adjacency, float(f"{about:.0e}"))


@lru_cache(maxsize=1024)
def _epsilon(releases: tuple[tuple[Mechanism, int], ...], delta: float, adjacency: Adjacency, about: float) -> float:
    asked = [_LossEvent.of(mechanism, count, adjacency) for mechanism, count in releases]
    interval = max([about / _STEPS_OF_EPSILON, 1e-9, *(event.width / _STEPS_OF_ONE for event in asked)])
    accountant = PLDAccountant(_RELATIONS[adjacency], interval)
    for event in asked:
        if event.mu:
            accountant.compose(event.event, event.count)
    epsilon = float(accountant.get_epsilon(delta))
    return _epsilon(releases, delta, adjacency, epsilon) if 0 < epsilon < about / 4 else epsilon


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
