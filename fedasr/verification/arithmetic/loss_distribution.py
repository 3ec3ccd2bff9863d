"""The distribution of the privacy loss of sampled Gaussian sums, composed by Fourier transforms, and its ε.

A grid of x is pushed through the loss of one release; the mass of each x is shared between the two nearest losses of a
grid so that its mean stays. That adds at most h²/4 of variance a release, with the step h so chosen that it is a few
millionths of the whole; nothing is rounded to one side, so this is an estimate to set beside a bound, and no bound.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedasr.verification.arithmetic.divergences import mixture

Vector = NDArray[np.float64]
POINTS = 1 << 17
MOST_STEPS = 1 << 22
OF_THE_DEVIATION = 4e-3
WRAPPED = 1e-17
"""The mass that may come back at the other end of the grid."""


@dataclass(frozen=True)
class SampledSum:
    """So many releases of a sum that each unit joins with probability `rate`, noise in units of what a unit adds."""

    rate: float
    noise: float
    count: int


@dataclass(frozen=True)
class Losses:
    """The loss of one release: values and their masses."""

    values: Vector
    masses: Vector
    count: int

    def log_moment(self, power: float) -> float:
        """Return ln E exp(power · loss) of all releases."""
        exponents = power * self.values
        top = float(exponents.max())
        return self.count * (top + math.log(float(self.masses @ np.exp(exponents - top))))


@functools.lru_cache(maxsize=64)  # rows of several seeds release alike
def loss_epsilon(sums: tuple[SampledSum, ...], delta: float, other: float) -> float:
    """Return ε at δ; the larger of both directions.

    Parameters
    ----------
    sums : tuple of SampledSum
    delta : float
    other : float
        Where the neighbour's sum lies: 0 without the unit (add-remove), −1 with its opposite (replace-one).
    """
    return max(_epsilon([_losses(one, *centres) for one in sums], delta) for centres in ((1.0, other), (other, 1.0)))


def _losses(one: SampledSum, here: float, there: float) -> Losses:
    reach = 1 + 13 * one.noise
    x = np.linspace(-reach, reach, POINTS)
    p, q = (mixture(x, one.rate, one.noise, centre) for centre in (here, there))
    masses = np.exp(p) * (x[1] - x[0])
    return Losses(p - q, masses / masses.sum(), one.count)


def _epsilon(losses: Sequence[Losses], delta: float) -> float:
    means = [float(one.masses @ one.values) for one in losses]
    mean = math.fsum(one.count * m for one, m in zip(losses, means, strict=True))
    variance = math.fsum(
        one.count * float(one.masses @ (one.values - m) ** 2) for one, m in zip(losses, means, strict=True)
    )  # fmt: skip
    step = OF_THE_DEVIATION * math.sqrt(variance / sum(one.count for one in losses))
    low, high = (mean - _reach(losses, -1.0, -mean), mean + _reach(losses, 1.0, mean))
    size = 1 << math.ceil(math.log2((high - low) / step + 2))
    if size > MOST_STEPS:
        size, step = MOST_STEPS, (high - low) / (MOST_STEPS - 2)
    whole = np.ones(size // 2 + 1, np.complex128)
    for one in losses:
        whole *= np.fft.rfft(_on_grid(one, step, size)) ** one.count
    composed = np.maximum(np.fft.irfft(whole, size), 0.0)
    first = math.floor(low / step)
    places = first + np.arange(size)
    return _at(np.asarray(places * step, np.float64), np.asarray(composed[places % size]), delta)


def _reach(losses: Sequence[Losses], sign: float, mean: float) -> float:
    """Return how far from its mean the loss goes but for a negligible mass, by Chernoff's bound."""
    powers = np.geomspace(1e-3, 1e3, 25)
    moments = [math.fsum(one.log_moment(sign * power) for one in losses) for power in powers.tolist()]
    reach = (np.array(moments) - math.log(WRAPPED)) / powers - mean
    return float(reach.min())


def _on_grid(one: Losses, step: float, size: int) -> Vector:
    places = one.values / step
    below = np.floor(places)
    share = places - below
    index = below.astype(np.int64)
    grid = np.bincount(index % size, one.masses * (1 - share), size)
    return np.asarray(grid + np.bincount((index + 1) % size, one.masses * share, size))


def _at(values: Vector, masses: Vector, delta: float) -> float:
    """Return the ε at which ``Σ masses (1 − e^(ε − value))`` over larger values is δ."""
    right = np.cumsum(masses[::-1])[::-1]
    weighted = np.cumsum((masses * np.exp(-np.clip(values, -700, 700)))[::-1])[::-1]
    deltas = right - np.exp(np.minimum(values, 700.0)) * weighted
    place = int(np.argmax(deltas <= delta))  # deltas fall as values rise; a value itself adds nothing to its own
    epsilon = math.log((right[place] - delta) / weighted[place]) if place and right[place] > delta else values[place]
    return max(float(epsilon), 0.0)
