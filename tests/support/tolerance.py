"""Tolerances that follow from the arithmetic and the sizes, not from what one machine happened to give.

Rounding. Every operation of float32 errs by at most u = 2⁻²⁴ of its result, and a sum of n products, in whatever order
a kernel takes them, by n·u of the sum of their sizes (Higham, Accuracy and Stability of Numerical Algorithms, 2002,
section 3.1). A network is a chain of such sums; as far as its layers do not stretch what comes in (gates, softmax and
norms have slopes of about 1 or less), the errors along the chain add up.

Chance. A mean of n draws is off by its standard error, and six of these are exceeded once in 500 million times.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

U = 2.0**-24
"""Unit roundoff of float32."""

STANDARD_ERRORS = 6.0


def rounding(operations: float, size: float = 1.0) -> float:
    """Bound the difference of two ways to compute a value of this size, each of so many operations in a row."""
    return 2 * operations * U * size


def of_a_mean(deviation: float, draws: int) -> float:
    """Bound how far a mean is off, of draws with a standard deviation."""
    return STANDARD_ERRORS * deviation / math.sqrt(draws)


def of_a_share(share: float, draws: int) -> float:
    """Bound how far the share of draws is off that an event of this probability has."""
    return of_a_mean(math.sqrt(share * (1 - share)), draws)


def of_a_deviation(draws: int, kurtosis: float = 3.0) -> float:
    """Bound relatively how far a sample's standard deviation is off: its variance has the variance (κ - 1)σ⁴/n."""
    return of_a_mean(math.sqrt(kurtosis - 1) / 2, draws)


def assert_rounded(found: Tensor, expected: Tensor, operations: float) -> None:
    """Assert that two tensors, whatever their types, differ by rounding at most, of the largest finite value's size."""
    finite = expected.detach()[expected.isfinite()].abs()
    size = float(finite.max()) if finite.numel() else 0.0
    torch.testing.assert_close(found, expected, atol=rounding(operations, size), rtol=0.0, check_dtype=False)
