"""Rényi divergences of one step of a sampled Gaussian sum, the noise z in units of the clipping norm.

Add-remove: ``D_a((1−q) N(0, z²) + q N(1, z²) ‖ N(0, z²))``, the larger of both directions (Mironov, Talwar and Zhang
2019, arXiv 1908.10530, Theorem 5). Replace-one: ``D_a`` of the pair that dominates (`SampledGaussian`).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln, logsumexp

from fedasr.privacy.accounting.conversion import Curve

MOST_POINTS = 20_000
"""Orders whose integral needs more are not accounted at (replace-one), or rounded up (add-remove)."""
_ROUNDING = 1e-14  # relative, of the terms of E[(P/Q)^a], times the size of their exponents


def add_remove_rdp(orders: Curve, rate: float, z: float) -> Curve:
    """Return the divergence at each order: integrated below 2, above it the closed form at the next integer.

    Rounding up is sound: divergences grow with the order.
    """
    whole, places = np.unique(np.maximum(np.ceil(orders - 1e-6), 2.0), return_inverse=True)
    found = _closed_form(whole, rate, z)[places.reshape(-1)]
    for place in np.flatnonzero(orders < 2):
        found[place] = min(found[place], _integrated(float(orders[place]), rate, z, False))
    return found


def replace_one_rdp(orders: Curve, rate: float, z: float) -> Curve:
    """Return the divergence of the dominating pair at each order; infinite where it would take long to integrate."""
    return np.array([_integrated(float(order), rate, z, True) for order in orders])


def _closed_form(orders: Curve, rate: float, z: float) -> Curve:
    chosen = np.arange(orders.max() + 1)[None, :]
    order = orders[:, None]
    left = np.maximum(order - chosen, 0.0)
    binomial = gammaln(order + 1) - gammaln(chosen + 1) - gammaln(left + 1)
    terms = binomial + left * math.log1p(-rate) + chosen * math.log(rate)
    terms = terms + (chosen**2 - chosen) / (2 * z**2)
    terms = np.where(chosen <= order, terms, -np.inf)
    return np.maximum(np.asarray(logsumexp(terms, axis=1)) / (orders - 1), 0.0)


def _integrated(order: float, rate: float, z: float, other: bool) -> float:
    """Return ``D_a`` of the mixture around 1 and N(0, z²), or the one around −1 (`other`), by the trapezoidal rule.

    The integrand is analytic in a strip of half-width πz² (there the mixtures have their zeros) and falls like a
    Gaussian of deviation z, so at a step of at most z/4 and z²/4 the rule errs by less than rounding does. So does what
    is cut off, 14 deviations from the outermost peaks, at −1 and at 2a.
    """
    step = min(z, z**2) / 4
    low, high = -1 - 14 * z, 2 * order + 14 * z
    if (high - low) / step > MOST_POINTS:
        return math.inf
    x = np.arange(low, high + step, step)
    ratio = _over_zero(x, rate, z) - (_over_zero(-x, rate, z) if other else 0.0)
    at_other = (_over_zero(-x, rate, z) if other else 0.0) - x**2 / (2 * z**2)
    total = float(logsumexp(order * ratio + at_other)) + math.log(step / (z * math.sqrt(2 * math.pi)))
    rounding = _ROUNDING * (1 + (order / z) ** 2)
    return max(total + rounding, 0.0) / (order - 1)


def _over_zero(x: Curve, rate: float, z: float) -> Curve:
    """Return ln of ``(1−q) + q N(x; 1, z²)/N(x; 0, z²)``; at −x it is that of the mixture around −1."""
    return np.logaddexp(math.log1p(-rate), math.log(rate) + (2 * x - 1) / (2 * z**2))
