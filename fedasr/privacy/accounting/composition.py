"""What releases of several mechanisms are together, each released some number of times."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from fedasr.privacy.accounting.conversion import ORDERS, Curve
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.mechanism import Mechanism

Counts = Iterable[tuple[Mechanism, int]]


def counted(releases: Counts) -> Counter[Mechanism]:
    """Return how often each mechanism is released."""
    counts: Counter[Mechanism] = Counter()
    for mechanism, count in releases:
        counts[mechanism] += count
    return counts


def composed_rdp(counts: Mapping[Mechanism, int], adjacency: Adjacency, orders: Curve = ORDERS) -> Curve:
    """Return the data-independent Rényi divergence of all releases at each order."""
    total = orders * 0.0
    for mechanism, count in counts.items():
        if count:
            total = total + count * mechanism.rdp(orders, adjacency)
    return total


def composed_mu(counts: Mapping[Mechanism, int], adjacency: Adjacency) -> float:
    """Return the parameter of the Gaussian mechanism that all releases are together; infinite where they are none."""
    mus = [(mechanism.gaussian_mu(adjacency), count) for mechanism, count in counts.items()]
    if any(mu is None or math.isinf(mu) for mu, _ in mus):
        return math.inf
    return math.sqrt(math.fsum(count * mu**2 for mu, count in mus if mu is not None))
