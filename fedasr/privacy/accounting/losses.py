"""ε of Gaussian sums, sampled or not, by privacy-loss distributions (dp-accounting), each rounded up.

The pairs of distributions that stand for one release, and why they compose: `SampledGaussian`.
"""

from __future__ import annotations

import math

from fedasr.privacy.accounting.composition import Counts, composed_rdp, counted
from fedasr.privacy.accounting.conversion import ORDERS, epsilon_of
from fedasr.privacy.adjacency import Adjacency
from fedasr.privacy.mechanisms.gaussian import SampledGaussian
from fedasr.privacy.mechanisms.mechanism import Mechanism

ROUNDING = 4e-12
"""What rounding may take from δ, a composition.

The Fourier coefficients of a distribution are at most 1, so those of its n-th power err by at most n times what those
of one err by. A transform of length N errs by about u·log₂N of its norm in L2 (u = 2⁻⁵³), by Parseval so does the
result, and a sum over its N entries by √N times that: at N = 2²¹ less than 4e-12 a composition. Errors that were
measured are a hundred thousandth of it, 5e-17 a composition.
"""
LARGEST_EPSILON = 1e6
"""Above it, which promises nothing, no distribution is computed."""
_FEW_ORDERS = ORDERS[::12]  # for a rough ε alone


def has_losses(mechanism: Mechanism) -> bool:
    """Return whether a mechanism has a privacy-loss distribution here."""
    return isinstance(mechanism, SampledGaussian) or mechanism.gaussian_mu("add-remove") is not None


def pld_epsilon(releases: Counts, delta: float, adjacency: Adjacency) -> float:
    """Return ε of Gaussian mechanisms and their counts, which must not depend on what was released.

    It is that at δ less what rounding may have taken, `ROUNDING` for each release. Infinite where a release has no
    noise, where rounding may take more than half of δ, and where ε is so large that it promises nothing and would take
    minutes to compute.

    Parameters
    ----------
    releases : iterable of tuple
        Mechanisms (those of `has_losses`) and how often each is released.
    delta : float
    adjacency : {"replace-one", "add-remove"}
    """
    counts = {mechanism: count for mechanism, count in counted(releases).items() if count}
    about = epsilon_of(_FEW_ORDERS, composed_rdp(counts, adjacency, _FEW_ORDERS), delta)
    taken = ROUNDING * sum(counts.values())
    if delta < 2 * taken or about > LARGEST_EPSILON:
        return math.inf
    # Brings scipy.stats: a second, which most processes would spend in vain.
    from fedasr.privacy.accounting.distributions import composed_epsilon

    return composed_epsilon(tuple(counts.items()), delta - taken, adjacency, float(f"{about:.0e}"))
