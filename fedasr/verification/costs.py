"""What the mechanisms of a ledger or a promise cost, from the public numbers that stand in its lines.

The sensitivities are those of the reference: one unit changes its vote (replace-one) or is there or not (add-remove).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fedasr.verification.arithmetic.divergences import Divergence, least_epsilon, sampled_divergence, summed
from fedasr.verification.arithmetic.hockey_stick import gaussian_epsilon
from fedasr.verification.arithmetic.loss_distribution import SampledSum, loss_epsilon

Record = Mapping[str, Any]
Releases = Sequence[tuple[Record, int]]
"""Mechanisms as JSON, and how often each is released."""
EXACT, SMALL_STEPS, WIDE = 1e-6, 2e-3, 5e-2
"""Relative: of an integral; of a grid of losses, where the writer rounds up; of orders, where it leaves some out."""
OF_THE_GRID = 1e-5
"""Relative: what the grid of losses here may add, 4e-6 of a variance, of which half is a deviation's."""
ROUNDING = 4e-12
"""What the writer takes from δ for each release before a distribution is asked; from half of δ on it asks none."""


@dataclass(frozen=True)
class ReleaseCost:
    """One Gaussian, sampled or pure release.

    Attributes
    ----------
    mu : float or None
        The distance of the two sums over the noise, where nobody is sampled.
    rate, noise : float or None
        Of a sampled sum: with which probability a unit joins, the noise over what it adds at most.
    pure : float
        ε at δ = 0.
    order, divergence : float or None
        Of an allowance in Rényi divergence: at that order and below.
    """

    mu: float | None = None
    rate: float | None = None
    noise: float | None = None
    pure: float = math.inf
    order: float | None = None
    divergence: float | None = None


def costs_of(mechanism: Record, replace_one: bool) -> list[ReleaseCost]:
    """Return what one release is made of.

    Raises
    ------
    ValueError
        Of a mechanism that is not known here.
    """
    kind = str(mechanism["kind"])
    if kind not in _KINDS:
        raise ValueError(f"mechanism '{kind}' is not known")
    return _KINDS[kind](mechanism, replace_one)


def _over(sensitivity: float, noise: float) -> float:
    return 0.0 if not sensitivity else sensitivity / noise if noise else math.inf


def _sum(m: Record, replace_one: bool) -> list[ReleaseCost]:
    rate, noise = m.get("rate", 1.0), m["noise_multiplier"]
    if not rate or not m["clip_norm"]:
        return [ReleaseCost(mu=0.0)]
    if rate == 1 or not noise:
        return [ReleaseCost(mu=_over(2.0 if replace_one else 1.0, noise))]
    return [ReleaseCost(rate=rate, noise=noise)]


def _mean(m: Record, replace_one: bool) -> list[ReleaseCost]:
    one = (math.sqrt(2) if replace_one else 1.0) / m["teachers"]
    return [ReleaseCost(mu=_over(one * (math.sqrt(m["teachers"]) if m.get("seen") == "each" else 1.0), m["sigma"]))]


def _votes(m: Record, replace_one: bool) -> list[ReleaseCost]:
    return [ReleaseCost(mu=_over(m.get("largest_weight", 1.0) * (math.sqrt(2) if replace_one else 1.0), m["sigma"]))]


def _laplace_votes(m: Record, replace_one: bool) -> list[ReleaseCost]:
    return [ReleaseCost(pure=_over(m.get("largest_weight", 1.0) * (2.0 if replace_one else 1.0), m["scale"]))]


def _check(m: Record, _: bool) -> list[ReleaseCost]:
    return [ReleaseCost(mu=_over(m.get("largest_weight", 1.0), m["sigma"]))]


def _checked_votes(m: Record, replace_one: bool) -> list[ReleaseCost]:
    return [*_check({**m, "sigma": m["sigma_threshold"]}, replace_one), *_votes(m, replace_one)]


_KINDS: Mapping[str, Callable[[Record, bool], list[ReleaseCost]]] = {
    "gaussian-sum": _sum, "sampled-gaussian": _sum, "noisy-mean": _mean, "gnmax": _votes, "lnmax": _laplace_votes,
    "threshold": _check, "confident-gnmax": _checked_votes,
    "gaussian-budget": lambda m, _: [ReleaseCost(mu=m["mu"])],
    "pure-budget": lambda m, _: [ReleaseCost(pure=m["epsilon"])],
    "renyi-budget": lambda m, _: [ReleaseCost(order=m["order"], divergence=m["divergence"])],
}  # fmt: skip


def bounds(releases: Releases, delta: float, adjacency: str) -> dict[str, tuple[float, float]]:
    """Return within which ends each proven bound lies, by the names that privacy.json gives them."""
    replace_one = adjacency == "replace-one"
    parts = [(cost, count) for m, count in releases if count for cost in costs_of(m, replace_one)]
    found = {
        "exact": _around(_exact(parts, delta), EXACT, EXACT),
        "pure": _around(math.fsum(count * cost.pure for cost, count in parts), EXACT, EXACT),
        "rdp": _renyi(parts, delta, -1.0 if replace_one else 0.0),
    }
    has_losses = all(cost.mu is not None or cost.rate is not None for cost, _ in parts)
    taken = ROUNDING * sum(count for _, count in releases)
    if math.isinf(found["exact"][0]) and has_losses and delta >= 2 * taken:
        found["pld"] = _around(_losses(parts, delta - taken, -1.0 if replace_one else 0.0), OF_THE_GRID, SMALL_STEPS)
    return {name: ends for name, ends in found.items() if math.isfinite(ends[1])}


def smallest(found: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    """Return within which ends the smallest bound lies."""
    return min((low for low, _ in found.values()), default=math.inf), min(
        (high for _, high in found.values()), default=math.inf
    )


def _around(value: float, below: float, above: float) -> tuple[float, float]:
    return value * (1 - below), value * (1 + above)


def _exact(parts: Sequence[tuple[ReleaseCost, int]], delta: float) -> float:
    if any(cost.mu is None or math.isinf(cost.mu) for cost, _ in parts):
        return math.inf
    return gaussian_epsilon(math.sqrt(math.fsum(count * (cost.mu or 0.0) ** 2 for cost, count in parts)), delta)


def _losses(parts: Sequence[tuple[ReleaseCost, int]], delta: float, other: float) -> float:
    sums = []
    for cost, count in parts:
        if cost.mu is None:
            assert cost.rate is not None
            assert cost.noise is not None
            sums.append(SampledSum(cost.rate, cost.noise, count))
        elif math.isinf(cost.mu):
            return math.inf
        elif cost.mu:
            sums.append(SampledSum(1.0, (1 - other) / cost.mu, count))
    return loss_epsilon(tuple(sums), delta, other) if sums else 0.0


def _renyi(parts: Sequence[tuple[ReleaseCost, int]], delta: float, other: float) -> tuple[float, float]:
    if not parts:
        return 0.0, 0.0
    orders = [cost.order for cost, _ in parts if cost.order is not None]
    low, high = least_epsilon(summed([(_divergence(cost, other), count) for cost, count in parts]), delta, orders)
    is_sampled = any(cost.rate is not None for cost, _ in parts)
    return low * (1 - EXACT), high * (1 + (WIDE if is_sampled else EXACT))


def _divergence(cost: ReleaseCost, other: float) -> Divergence:
    def at(order: float) -> float:
        if cost.mu is not None:
            return order * cost.mu**2 / 2
        if cost.rate is not None and cost.noise is not None:
            return sampled_divergence(order, cost.rate, cost.noise, other)
        if cost.order is not None and cost.divergence is not None:
            return cost.divergence if order <= cost.order else math.inf
        return min(cost.pure**2 * order / 2, cost.pure)

    return at


def charged(line: Record) -> Record:
    """Return the mechanism of a line of a ledger; sampling amplifies only where it was assumed, and done, as coins."""
    mechanism = line["mechanism"]
    is_poisson = line["sampling_assumed"] == line["sampling_used"] == "poisson"
    return {**mechanism, "rate": 1.0} if "rate" in mechanism and mechanism["rate"] and not is_poisson else mechanism
