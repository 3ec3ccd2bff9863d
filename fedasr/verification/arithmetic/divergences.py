"""Rényi divergences of Gaussian sums, sampled or not, integrated; and the ε that divergences mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

Divergence = Callable[[float], float]
"""Of all releases together, at an order."""
WHOLE_ORDERS = tuple(sorted({round(2 * 1.1**power) for power in range(59)}))
"""Whole orders from 2 to 503."""


def mixture(x: NDArray[np.float64], rate: float, noise: float, centre: float) -> NDArray[np.float64]:
    """Return the log density of ``(1 − rate) N(0, noise²) + rate N(centre, noise²)``."""
    near = -((x - centre) ** 2) / (2 * noise**2)
    away = -(x**2) / (2 * noise**2)
    logs = near if rate == 1 else np.logaddexp(math.log1p(-rate) + away, math.log(rate) + near)
    return np.asarray(logs - math.log(noise * math.sqrt(2 * math.pi)))


def sampled_divergence(order: float, rate: float, noise: float, other: float) -> float:
    """Return the Rényi divergence of a sampled sum around 1 from one around `other`; the larger direction at 0.

    Trapezoidal: of a function that is analytic around the line and falls as a Gaussian, the error falls faster than any
    power of the step.
    """
    step = min(noise, noise**2) / 5
    reach = 2 * order + 1 + 15 * noise
    x = np.arange(-reach, reach, step)
    here, there = mixture(x, rate, noise, 1.0), mixture(x, rate, noise, other)
    sums = (logsumexp(order * p + (1 - order) * q) for p, q in ((here, there), (there, here)))
    return max(float(total) + math.log(step) for total in sums) / (order - 1)


def least_epsilon(divergence: Divergence, delta: float, also: Sequence[float] = ()) -> tuple[float, float]:
    """Return between which ends ε lies by the classic conversion: the least over all orders, and over some.

    Whoever tries more orders than these, and not all, finds one between the two.

    Parameters
    ----------
    divergence : callable
    delta : float
    also : sequence of float
        Orders to try beside the whole ones: those at which a filter counts.
    """

    def at(order: float) -> float:
        return divergence(order) + math.log(1 / delta) / (order - 1)

    tried = {float(order): at(order) for order in (*WHOLE_ORDERS, *also)}
    best = min(tried, key=tried.__getitem__)
    high = max(tried[best], 0.0)
    if math.isinf(high):
        return high, high
    most = best * (1.6 if best < WHOLE_ORDERS[-1] else 10.0)
    most = most if math.isfinite(at(most)) else best
    least = best / 1.6 if best > WHOLE_ORDERS[0] else 1.0001  # below the first whole order, as near to 1 as it gets
    ends = math.log(least - 1), math.log(most - 1)
    found = minimize_scalar(
        lambda log: at(1 + math.exp(log)), bounds=ends, method="bounded", options={"xatol": 1e-4}
    )  # fmt: skip
    return max(min(float(found.fun), high), 0.0), high


def summed(divergences: Sequence[tuple[Divergence, int]]) -> Divergence:
    """Return the divergence of so many releases each."""
    return lambda order: math.fsum(count * one(order) for one, count in divergences)
