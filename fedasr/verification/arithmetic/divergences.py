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


def least_epsilon(divergence: Divergence, delta: float) -> tuple[float, float]:
    """Return between which ends ε lies by the classic conversion: the least over all orders, and over whole ones.

    Whoever tries more orders than whole ones, and not all, finds one between the two.
    """

    def at(order: float) -> float:
        return divergence(order) + math.log(1 / delta) / (order - 1)

    whole = {float(order): at(order) for order in WHOLE_ORDERS}
    best = min(whole, key=whole.__getitem__)
    low, high = math.log(max(best / 1.6 - 1, 0.02)), math.log(best * 1.6 - 1)
    found = minimize_scalar(
        lambda log: at(1 + math.exp(log)), bounds=(low, high), method="bounded", options={"xatol": 1e-4}
    )
    least = min(float(found.fun), whole[best])
    return max(least, 0.0) if math.isfinite(least) else math.inf, max(whole[best], 0.0)


def summed(divergences: Sequence[tuple[Divergence, int]]) -> Divergence:
    """Return the divergence of so many releases each."""
    return lambda order: math.fsum(count * one(order) for one, count in divergences)
