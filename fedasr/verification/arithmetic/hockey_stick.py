"""The hockey-stick divergence of two Gaussians, integrated, and the ε that it means."""

from __future__ import annotations

import math

import numpy as np

PANELS = 400
NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)


def gaussian_delta(mu: float, epsilon: float) -> float:
    """Return δ at ε of ``N(μ, 1)`` against ``N(0, 1)``.

    ``∫ max(p − e^ε q, 0)`` from where the two are equal on: with s from there it is ``φ(u + s) (1 − e^(−μs))``,
    ``u = ε/μ − μ/2``, by Gauss and Legendre on panels of a tenth of the integrand's width at most.
    """
    if mu == 0:
        return 0.0
    u = epsilon / mu - mu / 2
    length = 40 / (1 + max(u, 0.0)) + max(-u, 0.0)
    middles = (np.arange(PANELS) + 0.5) * length / PANELS
    s = (middles[:, None] + NODES * length / PANELS / 2).ravel()
    weights = np.tile(WEIGHTS * length / PANELS / 2, PANELS)
    density = np.exp(-((u + s) ** 2) / 2) / math.sqrt(2 * math.pi)
    return float(weights @ (density * -np.expm1(-mu * s)))


def gaussian_epsilon(mu: float, delta: float) -> float:
    """Return the ε at which the hockey-stick divergence is δ; 0 where it is below δ everywhere."""
    if math.isinf(mu):
        return math.inf
    if gaussian_delta(mu, 0.0) <= delta:
        return 0.0
    low, high = 0.0, mu**2 / 2 + 40 * mu
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if gaussian_delta(mu, middle) > delta else (low, middle)
    return high
