"""Rényi orders, and from a curve of Rényi privacy to (ε, δ)."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import UserError, nearest

Curve = NDArray[np.float64]
Conversion = Literal["classic", "improved", "exact"]
"""From what is known of releases to ε: ``"exact"`` where they compose exactly, else classic."""
CONVERSIONS: tuple[Conversion, ...] = get_args(Conversion)

INTEGER_ORDERS: Curve = np.arange(2, 513, dtype=np.float64)
_FINER = [tenth / 10 for tenth in range(11, 80)] + [half / 2 for half in range(16, 204)]
ORDERS: Curve = np.unique(np.concatenate([INTEGER_ORDERS, _FINER, np.geomspace(100, 500, 100), [640.0, 768.0, 1024.0]]))
"""The one grid of planner, ledger and commands: all integers from 2 to 512, finer ones where they tighten ε, and a few
above."""


def checked_conversion(word: str) -> Conversion:
    """Return the word as a conversion, or say which words there are."""
    for known in CONVERSIONS:
        if word == known:
            return known
    raise UserError(f"conversion '{word}' is not known{nearest(word, CONVERSIONS)}")


def checked_delta(delta: float) -> float:
    """Return δ, or refuse what is no probability strictly between 0 and 1."""
    if not 0 < delta < 1:
        raise UserError(f"delta = {delta}: must lie between 0 and 1, such as 1e-5")
    return delta


def epsilon_at(orders: Curve, rdp: Curve, delta: float, conversion: Conversion = "classic") -> Curve:
    """Return the ε that each order alone gives.

    Classic, and what ``"exact"`` falls back on (Mironov 2017, Proposition 3): ``rdp + ln(1/δ)/(a−1)``. Improved
    (Canonne, Kamath and Steinke 2020, Proposition 12): ``rdp + ln(1 − 1/a) − ln(δa)/(a−1)``, as in dp-accounting.
    Never below 0; infinite or NaN rdp gives infinite ε.
    """
    epsilon = rdp + overhead_at(orders, delta, conversion)
    if conversion == "improved":
        # Pinsker and its kin: at so small a divergence (0, δ) holds already.
        epsilon = np.where(delta**2 + np.expm1(-rdp) > 0, 0.0, epsilon)
    return np.where(np.isfinite(rdp), np.maximum(epsilon, 0.0), np.inf)


def delta_for(delta: float, unit: str, units: int) -> str:
    """Return a warning of a δ that is more than a tenth of one over the number of units; empty for a smaller one.

    At δ = 1/units a mechanism that publishes one unit as it is keeps its promise.

    Raises
    ------
    UserError
        At δ ≥ 1/units.
    """
    told = f"delta = {delta:g} for {units:,} {unit}s"
    if delta * units >= 1:
        raise UserError(f"{told} allows to publish one of them as it is; it must be below {1 / units:.2g}")
    return f"{told} is large; the usual is below {0.1 / units:.2g}" if delta * units > 0.1 else ""


def overhead_at(orders: Curve, delta: float, conversion: Conversion = "classic") -> Curve:
    """Return what `epsilon_at` adds to a divergence at each order."""
    checked_delta(delta)
    if conversion == "improved":
        return np.asarray(np.log1p(-1 / orders) - np.log(delta * orders) / (orders - 1))
    return np.asarray(-np.log(delta) / (orders - 1))


def epsilon_of(orders: Curve, rdp: Curve, delta: float, conversion: Conversion = "classic") -> float:
    """Return the least ε over all orders."""
    return float(np.min(epsilon_at(orders, rdp, delta, conversion)))
