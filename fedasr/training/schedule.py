"""Learning rate against progress."""

from __future__ import annotations

import math


def one_cycle(progress: float, peak: float, warmup: float = 0.25, final: float = 1e-3) -> float:
    """Return the learning rate of a one-cycle schedule (Smith & Topin 2018): cosine up, cosine down.

    Parameters
    ----------
    progress : float
        The share of training done, from 0 to 1.
    peak : float
        The highest learning rate.
    warmup : float
        The share of training that climbs, from a twenty-fifth of the peak.
    final : float
        Where it ends, as a fraction of the peak.
    """
    if progress < warmup:
        return _cosine(peak / 25, peak, progress / warmup)
    return _cosine(peak, peak * final, (progress - warmup) / (1 - warmup))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(max(share, 0.0), 1.0))) / 2
