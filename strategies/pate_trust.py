"""Who is trusted with what where teachers vote, and what is promised against whom.

The counting server sees every teacher's answer, and is trusted with them. With noisy means teachers can add the noise
themselves. A server that sees each noisy answer is then guarded against by each teacher's own noise: its Gaussian
parameter is √n times that of the mean of n teachers, whose noises add up. So there are two ε, and the target is that of
whoever is not trusted (`PATESettings.server_sees`).
"""

from __future__ import annotations

import math
from dataclasses import replace

from fedasr.privacy.accounting.promise import Promise
from fedasr.privacy.mechanisms.allowances import GaussianBudget
from fedasr.privacy.mechanisms.gaussian import NoisyMean
from fedasr.privacy.mechanisms.mechanism import Mechanism
from fedasr.protection.trust import Trust

from .pate_settings import PATESettings

COUNTING = (
    "the server is trusted with each teacher's answers; who sees the noisy answers alone, or the student, is guarded "
    "against"
)
EACH = (
    "no server is trusted: teachers add the noise, and a server that sees each noisy answer is guarded against; each "
    "silo is trusted with its own speech alone"
)
MEAN = (
    "the server is trusted to see the mean of the teachers' noisy answers alone, as secure aggregation gives it; who "
    "sees that mean, or the student, is guarded against"
)


def against_server(plan: PATESettings, mechanism: Mechanism) -> Mechanism:
    """Return what a vote costs against the party that is not trusted."""
    return replace(mechanism, seen="each") if _sees_each(plan) and isinstance(mechanism, NoisyMean) else mechanism


def noise_of(plan: PATESettings, teachers: int) -> float:
    """Return by what the noise that is planned for the mean is multiplied for the target to hold against the server."""
    return math.sqrt(teachers) * (1 + 1e-12) if _sees_each(plan) else 1.0  # lest rounding take a planned vote away


def trust_of(plan: PATESettings, promise: Promise, teachers: int) -> Trust:
    """Return who is trusted with what; where teachers add the noise, with the promise against the other party.

    Parameters
    ----------
    plan : PATESettings
    promise : Promise
        Against the party that is not trusted: a `GaussianBudget` where teachers add the noise.
    teachers : int
    """
    if plan.noise_at == "server":
        return Trust(COUNTING)
    if _sees_each(plan):
        return Trust(EACH, (("who sees their mean alone, or the student,", _scaled(promise, 1 / math.sqrt(teachers))),))
    if plan.adjacency == "add-remove":
        return Trust(f"{MEAN}; who sees each teacher's answer sees which silos are there")
    return Trust(MEAN, (("who sees each teacher's noisy answer", _scaled(promise, math.sqrt(teachers))),))


def _sees_each(plan: PATESettings) -> bool:
    return plan.noise_at == "teacher" and plan.server_sees == "each"


def _scaled(promise: Promise, factor: float) -> Promise:
    """Return the promise whose Gaussian parameters are multiplied."""
    planned = tuple(
        (GaussianBudget(allowance.mu * factor), count)
        for allowance, count in promise.planned
        if isinstance(allowance, GaussianBudget)
    )
    return replace(promise, planned=planned)
