"""DP-SGD's accountants: Rényi divergences and privacy-loss distributions (dp-accounting)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fedasr.privacy.accounting.composition import composed_rdp
from fedasr.privacy.accounting.conversion import ORDERS, Conversion, epsilon_of
from fedasr.privacy.accounting.losses import pld_epsilon
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.gaussian import SampledGaussian
from fedasr.privacy.mechanisms.mechanism import checked_number


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
    """Return ε after so many steps, at the orders of all accountants. The conversion concerns Rényi divergences only.

    ``pld`` is infinite where it is not available: see `pld_epsilon`.
    """
    rdp = epsilon_of(ORDERS, composed_rdp({mechanism: steps}, adjacency), delta, conversion)
    return Epsilons(rdp, pld_epsilon([(mechanism, steps)], delta, adjacency))
