"""DP-SGD's accountants: Rényi divergences and privacy-loss distributions (dp-accounting)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import dp_accounting
from dp_accounting.pld import PLDAccountant

from fedasr.privacy.accounting.conversion import INTEGER_ORDERS, Conversion, checked_delta, epsilon_of
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.gaussian import GaussianSum, NoisyMean, SampledGaussian
from fedasr.privacy.mechanisms.mechanism import Mechanism, checked_number


@dataclass(frozen=True)
class Epsilons:
    """The same releases by both accountants."""

    rdp: float
    pld: float


def dpsgd_mechanism(examples: int, batch: float, noise_multiplier: float) -> SampledGaussian:
    """Return one step of DP-SGD whose expected batch is ``batch`` of ``examples``, by Poisson sampling."""
    checked_number("examples", examples, 1)
    checked_number("batch", batch, 0)
    return SampledGaussian(noise_multiplier, rate=batch / examples)


def dpsgd_steps(examples: int, batch: float, epochs: float) -> int:
    """Return how many steps the epochs take, the last one begun counted whole."""
    checked_number("epochs", epochs)
    return math.ceil(epochs * examples / batch - 1e-9) if batch else 0


def dpsgd_epsilon(
    mechanism: SampledGaussian, steps: int, delta: float, conversion: Conversion = "classic",
    adjacency: Adjacency = "add-remove",
) -> Epsilons:  # fmt: skip
    """Return ε after so many steps. The conversion concerns Rényi divergences only."""
    rdp = steps * mechanism.rdp(INTEGER_ORDERS, adjacency) if steps else INTEGER_ORDERS * 0.0
    return Epsilons(
        epsilon_of(INTEGER_ORDERS, rdp, delta, conversion), pld_epsilon([(mechanism, steps)], delta, adjacency)
    )


def pld_epsilon(releases: Sequence[tuple[Mechanism, int]], delta: float, adjacency: Adjacency) -> float:
    """Return ε of Gaussian mechanisms and their counts by privacy-loss distributions.

    Neighbours enter through the noise multiplier (replace-one doubles the sensitivity), as in the mechanisms.
    """
    checked_delta(delta)
    accountant = PLDAccountant(dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE)
    for mechanism, count in releases:
        if not isinstance(mechanism, GaussianSum | NoisyMean):
            raise TypeError(f"{mechanism.kind} has no privacy-loss distribution here")
        multiplier, rate = mechanism.multiplier(adjacency), getattr(mechanism, "rate", 1.0)
        if count == 0 or rate == 0 or math.isinf(multiplier):
            continue
        if multiplier == 0:
            return math.inf
        event = dp_accounting.GaussianDpEvent(multiplier)
        accountant.compose(event if rate == 1 else dp_accounting.PoissonSampledDpEvent(rate, event), count)
    return float(accountant.get_epsilon(delta))
