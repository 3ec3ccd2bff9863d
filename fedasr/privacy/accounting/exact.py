"""Gaussian releases without sampling, composed exactly.

A release whose sensitivity is μ times its noise is the Gaussian mechanism of parameter μ; any number of them, each
chosen by what the others answered, are together the one of ``μ = √Σ μᵢ²`` (Dong, Roth and Su 2019, arXiv 1905.02383,
Corollary 3.3), whose δ at every ε is known (Balle and Wang 2018, arXiv 1805.06530, Theorem 8):
``δ(ε) = Φ(μ/2 − ε/μ) − e^ε Φ(−μ/2 − ε/μ)``.
"""

from __future__ import annotations

import math

from scipy.special import erfcx, log_ndtr

from fedasr.privacy.accounting.conversion import checked_delta

LEAST_MU = 1e-6
"""Smaller ones are taken as this: the difference of two tails would lose its digits."""
_ROUNDING = 1e-9  # in ln δ, added to what is computed: what rounding can take from it, above `LEAST_MU`, is less


def gaussian_log_delta(mu: float, epsilon: float) -> float:
    """Return ln δ at ε of the Gaussian mechanism of parameter μ; −∞ for μ = 0, never less than the truth."""
    if mu == 0:
        return -math.inf
    if math.isinf(mu):
        return 0.0
    mu = max(mu, LEAST_MU)
    tail = epsilon / mu - mu / 2
    if tail < 0:  # both terms are well apart
        lost = math.exp(min(epsilon + float(log_ndtr(-tail - mu)) - float(log_ndtr(-tail)), 0.0))
        return min(float(log_ndtr(-tail)) + math.log1p(-lost) + _ROUNDING, 0.0)
    # e^ε φ(tail + μ) = φ(tail): what is left is a difference of Mills ratios, of which nothing underflows
    mills = float(erfcx(tail / math.sqrt(2)) - erfcx((tail + mu) / math.sqrt(2)))
    return math.log(mills) - tail**2 / 2 - math.log(2) + _ROUNDING + 1e-15 * tail**2


def gaussian_epsilon(mu: float, delta: float) -> float:
    """Return the least ε at δ of the Gaussian mechanism of parameter μ, to 1e-12 and never below it.

    ==============  ====================================================
    μ = 0           0
    μ infinite      infinite
    δ above         ``2Φ(μ/2) − 1``, the total variation: 0
    ==============  ====================================================
    """
    log_delta = math.log(checked_delta(delta))
    if math.isinf(mu):
        return math.inf
    if gaussian_log_delta(mu, 0.0) <= log_delta:
        return 0.0
    mu = max(mu, LEAST_MU)
    low, high = 0.0, mu**2 / 2 + mu * math.sqrt(-2 * log_delta) + 1e-6
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (low, middle) if gaussian_log_delta(mu, middle) <= log_delta else (middle, high)
    return high


def largest_mu(epsilon: float, delta: float) -> float:
    """Return the largest μ whose ε at δ is at most `epsilon`, to 1e-12 and never above it; 0 where none is."""
    log_delta, low, high = math.log(checked_delta(delta)), 0.0, 2.0
    while gaussian_log_delta(high, epsilon) <= log_delta:
        low, high = high, 2 * high
    while high - low > 1e-13 * high and high > LEAST_MU:
        middle = (low + high) / 2
        low, high = (middle, high) if gaussian_log_delta(middle, epsilon) <= log_delta else (low, middle)
    while low and gaussian_epsilon(low, delta) > epsilon:
        low *= 1 - 1e-12
    return low if low >= LEAST_MU else 0.0
