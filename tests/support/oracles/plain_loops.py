"""The equations of papers written out: one loop over rounds and silos each, in NumPy's float64, nothing else.

They know nothing of fedasr. A model is one vector, a silo the gradient of its loss at a point. What they return is the
model after the last round, and what each silo keeps where it keeps a part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
GradientAt = Callable[[int, int, int, Vector], Vector]
Pull = Callable[[Vector], Vector]


@dataclass(frozen=True)
class Silos:
    """What a loop goes over.

    Parameters
    ----------
    gradient : callable
        ``gradient(silo, round, step, at)`` of the batch that this silo draws there; rounds count from 1, steps from 0.
    sizes : sequence of int
        Utterances of each silo.
    steps : sequence of int
        Local steps of each silo in a round.
    cohorts : sequence of sequences of int
        The silos of each round.
    rate : float
        The local learning rate η.
    momentum : float
        Of local SGD, as ``u ← momentum · u + gradient``, new in every round.
    """

    gradient: GradientAt
    sizes: Sequence[int]
    steps: Sequence[int]
    cohorts: Sequence[Sequence[int]]
    rate: float
    momentum: float = 0.0

    def rounds(self) -> list[tuple[int, Sequence[int]]]:
        """Return the number of each round, and who takes part."""
        return list(enumerate(self.cohorts, 1))

    def shares(self, cohort: Sequence[int]) -> list[float]:
        """Return p_i: how silos of a cohort count by their utterances."""
        return [self.sizes[i] / sum(self.sizes[j] for j in cohort) for i in cohort]

    def local(self, silo: int, round: int, start: Vector, pull: Pull = np.zeros_like) -> tuple[Vector, list[Vector]]:
        """Return where local SGD ends, and the gradients of the loss along its way.

        Parameters
        ----------
        silo, round : int
        start : ndarray
        pull : callable
            What is added to the gradient at a point.
        """
        y, velocity, seen = start.copy(), np.zeros_like(start), []
        for step in range(self.steps[silo]):
            seen.append(self.gradient(silo, round, step, y))
            velocity = self.momentum * velocity + seen[-1] + pull(y)
            y = y - self.rate * velocity
        return y, seen


def fedavg(silos: Silos, x: Vector) -> Vector:
    """McMahan et al. 2017, Algorithm 1."""
    return fedprox(silos, x, 0.0)


def fedprox(silos: Silos, x: Vector, mu: float) -> Vector:
    """Li et al. 2020: silos minimise ``F_k(w) + μ/2 ‖w - w_t‖²``; the mean is by utterances, as in FedAvg here."""
    for round, cohort in silos.rounds():
        ends = [silos.local(i, round, x, lambda y, x=x: mu * (y - x))[0] for i in cohort]
        x = sum(p * y for p, y in zip(silos.shares(cohort), ends, strict=True))
    return x


def scaffold(silos: Silos, x: Vector, server_rate: float = 1.0) -> tuple[Vector, Vector, list[Vector]]:
    """Karimireddy et al. 2020, Algorithm 1, option II; returns x, c and each c_i.

    Option II is ``c_i⁺ = c_i - c + (x - y_i) / (K η)``, which for plain SGD is the mean of the gradients along the
    way; with momentum only the mean is a gradient.
    """
    count = len(silos.sizes)
    c, own = np.zeros_like(x), [np.zeros_like(x) for _ in range(count)]
    for round, cohort in silos.rounds():
        moves, changes = [], []
        for i in cohort:
            y, seen = silos.local(i, round, x, lambda y, c=c, i=i: c - own[i])
            new = np.mean(seen, axis=0)
            if silos.momentum == 0:
                option_two = own[i] - c + (x - y) / (silos.steps[i] * silos.rate)
                np.testing.assert_allclose(new, option_two, rtol=0, atol=1e-4 * max(1.0, np.abs(new).max()))
            moves.append(y - x)
            changes.append(new - own[i])
            own[i] = new
        x = x + server_rate * np.mean(moves, axis=0)
        c = c + np.sum(changes, axis=0) / count
    return x, c, own


def coefficients(steps: int, rate: float, momentum: float = 0.0, mu: float = 0.0) -> Vector:
    """Return FedNova's a_i: how much each of a silo's gradients moves it, in units of -η.

    Wang et al. 2020, section 3: all ones for SGD, ``(1 - ρ^{τ-k}) / (1 - ρ)`` with momentum ρ, ``(1 - ημ)^{τ-1-k}``
    with a proximal term; here read off from a gradient that is 1 in one step and 0 in all others.
    """
    found = []
    for k in range(steps):
        moved, velocity = 0.0, 0.0
        for step in range(steps):
            velocity = momentum * velocity + (step == k) - mu * rate * moved
            moved += velocity
        found.append(moved)
    return np.array(found)


def fednova(silos: Silos, x: Vector, mu: float = 0.0) -> Vector:
    """Wang et al. 2020: ``x ← x - τ_eff Σ p_i η d_i``, ``d_i = G_i a_i / ‖a_i‖₁``, ``τ_eff = Σ p_i ‖a_i‖₁``."""
    for round, cohort in silos.rounds():
        mean, effective = np.zeros_like(x), 0.0
        for p, i in zip(silos.shares(cohort), cohort, strict=True):
            y, _ = silos.local(i, round, x, lambda y, x=x: mu * (y - x))
            norm = np.abs(coefficients(silos.steps[i], silos.rate, silos.momentum, mu)).sum()
            mean += p * (x - y) / norm  # η d_i: how far it moved is η G_i a_i
            effective += p * norm
        x = x - effective * mean
    return x


def feddyn(silos: Silos, x: Vector, alpha: float) -> tuple[Vector, Vector, list[Vector]]:
    """Acar et al. 2021, Algorithm 1, the silo's minimum sought by local SGD; returns θ, h and each silo's gradient."""
    count = len(silos.sizes)
    h, own = np.zeros_like(x), [np.zeros_like(x) for _ in range(count)]
    for round, cohort in silos.rounds():
        ends = []
        for k in cohort:
            end, _ = silos.local(k, round, x, lambda y, x=x, k=k: -own[k] + alpha * (y - x))
            own[k] = own[k] - alpha * (end - x)
            ends.append(end)
        h = h - alpha / count * np.sum([end - x for end in ends], axis=0)
        x = np.mean(ends, axis=0) - h / alpha
    return x, h, own


def ditto(silos: Silos, x: Vector, strength: float, draws: GradientAt) -> tuple[Vector, list[Vector | None]]:
    """Li et al. 2021, Algorithm 1: FedAvg, and beside it each silo's own ``v_k ← v_k - η(∇F_k(v_k) + λ(v_k - w_t))``.

    Parameters
    ----------
    silos : Silos
    x : ndarray
    strength : float
        λ.
    draws : callable
        The gradients along the way of own models, where these draw other batches.

    Returns
    -------
    ndarray
    list of ndarray or None
        v_k, which begins as the first w_t that the silo is sent; None where it was sent none.
    """
    own: list[Vector | None] = [None] * len(silos.sizes)
    beside = replace(silos, gradient=draws)
    for round, cohort in silos.rounds():
        for k in cohort:
            begun = own[k]
            own[k], _ = beside.local(k, round, x if begun is None else begun, lambda v, x=x: strength * (v - x))
        ends = [silos.local(k, round, x)[0] for k in cohort]
        x = sum(p * y for p, y in zip(silos.shares(cohort), ends, strict=True))
    return x, own


def fedper(silos: Silos, x: Vector, is_own: NDArray[np.bool_]) -> tuple[Vector, list[Vector]]:
    """Arivazhagan et al. 2019: some layers stay where they are trained; returns the shared ones and each silo's model.

    Parameters
    ----------
    silos : Silos
    x : ndarray
        All layers at the start; own ones begin alike in every silo.
    is_own : ndarray of bool
        Which values belong to layers that stay.
    """
    models = [x.copy() for _ in silos.sizes]
    shared = x[~is_own]
    for round, cohort in silos.rounds():
        for k in cohort:
            models[k][~is_own] = shared
            models[k], _ = silos.local(k, round, models[k])
        shared = sum(p * models[k][~is_own] for p, k in zip(silos.shares(cohort), cohort, strict=True))
    return shared, models
