"""All ε that are proven of the same releases: each holds, so the smallest is a guarantee."""

from __future__ import annotations

import math
from collections.abc import Mapping

from fedasr.privacy.accounting.composition import Counts, composed_mu, composed_rdp, counted
from fedasr.privacy.accounting.conversion import ORDERS, Conversion, checked_delta, epsilon_of
from fedasr.privacy.accounting.exact import gaussian_epsilon
from fedasr.privacy.accounting.losses import has_losses, pld_epsilon
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.mechanism import Mechanism


def proven_bounds(releases: Counts, delta: float, adjacency: Adjacency) -> dict[str, float]:
    """Return every finite ε at δ that is proven of so many releases of some mechanisms, by name.

    The counts must not depend on what was released. Empty where nothing bounds them.

    =============  ==========================================================================================
    ``"exact"``    all are Gaussian without sampling: `fedasr.privacy.accounting.exact`
    ``"pld"``      all are Gaussian, some sampled: privacy-loss distributions, rounded up: `pld_epsilon`
    ``"pure"``     all hold with δ = 0: the sum of their ε
    ``"rdp"``      all: Rényi divergences by the classic conversion
    =============  ==========================================================================================
    """
    checked_delta(delta)
    counts = {mechanism: count for mechanism, count in counted(releases).items() if count}
    rdp = epsilon_of(ORDERS, composed_rdp(counts, adjacency), delta)
    found = {"exact": _exact(counts, delta, adjacency), "pure": _pure(counts, adjacency), "rdp": rdp}
    if math.isinf(found["exact"]) and all(map(has_losses, counts)):
        found["pld"] = pld_epsilon(counts.items(), delta, adjacency)
    return {name: epsilon for name, epsilon in sorted(found.items()) if math.isfinite(epsilon)}


def epsilon_by(conversion: Conversion, releases: Counts, delta: float, adjacency: Adjacency) -> float:
    """Return ε by a conversion: by ``"exact"`` the smallest that is proven, else that of Rényi divergences."""
    counts = counted(releases)
    if conversion == "exact":
        return smallest(proven_bounds(counts.items(), delta, adjacency))[1]
    return epsilon_of(ORDERS, composed_rdp(counts, adjacency), delta, conversion)


def smallest(bounds: Mapping[str, float]) -> tuple[str | None, float]:
    """Return the name of the smallest bound and its ε; None and infinity where there is none."""
    return min(bounds.items(), key=lambda bound: bound[1], default=(None, math.inf))


def _exact(counts: Mapping[Mechanism, int], delta: float, adjacency: Adjacency) -> float:
    return gaussian_epsilon(composed_mu(counts, adjacency), delta)


def _pure(counts: Mapping[Mechanism, int], adjacency: Adjacency) -> float:
    return math.fsum(count * mechanism.pure_epsilon(adjacency) for mechanism, count in counts.items())
