"""How the threshold of gradient threshold compression is chosen, message after message."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np

from fedasr.wire.packing.vectors import Vector

BAND_STEP = 0.965936
LARGEST_STEP = 2.0
SAMPLES_ABOVE = 128
"""Values of the sample that are expected to reach the threshold: it is off by a few percent."""

LOWEST, HIGHEST = 2.0**-126, 2.0**126


@dataclass(frozen=True)
class Schedule:
    """One of three ways to choose τ: fixed, for a density, or by a band of densities.

    The density is steered by the quantile of the residuals themselves: steering by the density just sent
    oscillates, because the residuals gather right below τ and a small step of τ moves past all of them.

    Attributes
    ----------
    tau, density, band
        As in `Threshold`; exactly one is set.
    """

    tau: float | None
    density: float | None
    band: tuple[float, float] | None

    def before(self, values: Vector, last: float | None) -> float | None:
        """Return τ for this message, or None while all values are zero and no τ is known."""
        if self.tau is not None:
            return self.tau
        if self.band is not None:
            return first_threshold(values, math.sqrt(self.band[0] * self.band[1])) if last is None else last
        assert self.density is not None
        if last is None:
            return first_threshold(values, self.density)
        return follow(values, self.density, last)

    def after(self, values: Vector, tau: float, density: float) -> float:
        """Return the τ that the next message starts from, given the residuals and the density just sent."""
        if self.band is None or (density == 0 and not values.any()):
            return tau
        low, high = self.band
        factor = BAND_STEP if density < low else 1 / BAND_STEP if density > high else 1.0
        return _within(tau * factor)


def first_threshold(values: Vector, density: float) -> float | None:
    """Return the magnitude that this share of the values reaches, above 0; None where all are zero."""
    edge = _quantile(values[:: _stride(values.size, density)], density)
    if edge == 0:
        magnitude = np.abs(values[values != 0])
        if not magnitude.size:
            return None
        edge = _quantile(magnitude, min(1.0, density * values.size / magnitude.size))
    return _within(edge)


def follow(values: Vector, density: float, last: float) -> float:
    """Return τ moved towards the quantile of a sample of the values, at most doubled or halved."""
    stride = _stride(values.size, density)
    # Another sample for each τ, so that no value stands for its neighbours for ever.
    sample = values[zlib.crc32(np.float64(last).tobytes()) % stride :: stride]
    edge = _quantile(sample, density)
    if edge == 0 and not sample.any():
        return last
    return _within(min(max(edge, last / LARGEST_STEP), last * LARGEST_STEP))


def _quantile(sample: Vector, density: float) -> float:
    if not sample.size:
        return 0.0
    magnitude = np.abs(sample)
    rank = magnitude.size - max(1, round(density * magnitude.size))
    magnitude.partition(rank)
    return float(magnitude[rank])


def _stride(elements: int, density: float) -> int:
    return max(1, int(elements * density / SAMPLES_ABOVE))


def _within(tau: float) -> float:
    return min(max(tau, LOWEST), HIGHEST)
