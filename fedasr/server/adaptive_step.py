"""Adaptive outer optimizers: FedAdam, FedYogi and FedAdagrad (Reddi et al. 2021, arXiv 2003.00295, Algorithm 2).

With Δ the distance from the model that was sent to the mean of those that came back, for each value of the model

    m ← β1 m + (1 − β1) Δ,   v ← one of `SECOND_MOMENTS`,   direction = m / (√v + τ)

m begins at zero and v at τ². The published step is the direction times a rate: each value moves by about the rate,
whatever it is worth, so that a rate which is not tuned destroys a model. Here the step is by default as long (in L2,
over all values) as `rate` times m: the direction is the optimizer's, the length that of averaging with momentum, in
which every change counts once and none for more, so that the rate 1 means what it means there. The length of one
optimizer with the direction of another: learning-rate grafting (Agarwal et al. 2020, arXiv 2002.11803). As published,
no bias is taken off: of m it would count the first changes twice and more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.common.number_types import in_type

Arrays = Mapping[str, NDArray[Any]]
Moments = dict[str, NDArray[np.float64]]
SecondMoment = Callable[[NDArray[np.float64], NDArray[np.float64], float], NDArray[np.float64]]


def adam(before: NDArray[np.float64], square: NDArray[np.float64], decay: float) -> NDArray[np.float64]:
    """Return β2 v + (1 − β2) Δ²."""
    return decay * before + (1 - decay) * square


def yogi(before: NDArray[np.float64], square: NDArray[np.float64], decay: float) -> NDArray[np.float64]:
    """Return v − (1 − β2) Δ² sign(v − Δ²)."""
    return before - (1 - decay) * square * np.sign(before - square)


def adagrad(before: NDArray[np.float64], square: NDArray[np.float64], decay: float) -> NDArray[np.float64]:
    """Return v + Δ²."""
    return before + square


SECOND_MOMENTS: Mapping[str, SecondMoment] = {"adam": adam, "yogi": yogi, "adagrad": adagrad}


@dataclass
class AdaptiveStep:
    """The server's step by an adaptive optimizer.

    Parameters
    ----------
    optimizer : str
        One of `SECOND_MOMENTS`.
    rate : float
    first, second : float
        β1 and β2.
    tau : float, optional
        τ; by default the root mean square of the first change, over the values that it changes: a value whose changes
        are of that size is held back half as much as one that hardly changes.
    is_published : bool
        Step by the rate times the direction, as published, and not to a length.
    """

    optimizer: str = "adam"
    rate: float = 1.0
    first: float = 0.9
    second: float = 0.99
    tau: float | None = None
    is_published: bool = False
    steps: int = 0
    mean: Moments = field(default_factory=dict)
    square: Moments = field(default_factory=dict)

    def said(self) -> str:
        """Return the step in words."""
        return self.optimizer if self.rate == 1 else f"{self.optimizer}, rate {self.rate:g}"

    def ahead(self, weights: Arrays) -> dict[str, NDArray[Any]]:
        """Return the model to send: the weights."""
        return dict(weights)

    def step(self, weights: Arrays, sent: Arrays, mean: Arrays) -> dict[str, NDArray[Any]]:
        """Return W(t) from W(t-1), the model that was sent, and the mean of those that came back."""
        return self.move(weights, {name: np.asarray(mean[name], np.float64) - sent[name] for name in weights})

    def move(self, weights: Arrays, distances: Arrays) -> dict[str, NDArray[Any]]:
        """Return W(t) from W(t-1) and the mean change."""
        changes = {name: np.asarray(distances[name], np.float64) for name in weights}
        if self.tau is None:
            self.tau = root_mean_square(changes)
        if self.tau is None:  # nothing has changed yet: there is no size to go by, and nowhere to go
            return dict(weights)
        self.steps += 1
        directions = self._directions(weights, changes, self.tau)
        rate = self.rate if self.is_published else self.rate * self._length_over(directions)
        return {name: in_type(array + rate * directions[name], array.dtype) for name, array in weights.items()}

    def _directions(self, weights: Arrays, changes: Arrays, tau: float) -> dict[str, NDArray[np.float64]]:
        return {name: self._direction(name, change, tau) for name, change in changes.items()}

    def _direction(self, name: str, change: NDArray[np.float64], tau: float) -> NDArray[np.float64]:
        self.mean[name] = self.first * self.mean.get(name, np.zeros(())) + (1 - self.first) * change
        before = self.square.get(name, np.full(change.shape, tau**2))
        self.square[name] = SECOND_MOMENTS[self.optimizer](before, change**2, self.second)
        return self.mean[name] / (np.sqrt(self.square[name]) + tau)

    def _length_over(self, directions: Arrays) -> float:
        """Return the length of m in lengths of the direction."""
        length = _norm(directions)
        return _norm(self.mean) / length if length else 0.0


def root_mean_square(changes: Arrays) -> float | None:
    """Return the root mean square of the values that are not zero; None where all are."""
    total = sum(float(np.sum(change**2)) for change in changes.values())
    count = sum(int(np.count_nonzero(change)) for change in changes.values())
    return math.sqrt(total / count) if total > 0 else None


def _norm(arrays: Arrays) -> float:
    return math.sqrt(sum(float(np.sum(array**2)) for array in arrays.values()))
