"""Records of made-up trainings: who was heard with how many errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.comparison.intervals import Interval
from fedasr.comparison.model_errors import ModelErrors

WORDS = np.array([76, 73, 81, 79, 77, 74, 73, 83, 79, 84])


def counted(errors: Any, words: Any = None, names: Any = None, draw: int = 0, **more: Any) -> list[ModelErrors]:
    """One record a training; errors of the shape (trainings, speakers)."""
    errors = np.atleast_2d(np.asarray(errors))
    words = np.broadcast_to(WORDS[: errors.shape[1]] if words is None else words, errors.shape)
    names = names or [f"speaker{n}" for n in range(errors.shape[1])]
    return [
        ModelErrors(draw, seed, tuple(zip(names, row.tolist(), said.tolist(), strict=True)), **more)
        for seed, (row, said) in enumerate(zip(errors, words, strict=True), start=1)
    ]


def drawn(seed: int, seeds: int = 3, speakers: int = 10, deviation: float = 0.3) -> NDArray[np.int64]:
    """Errors of speakers of unlike rates and of seeds of unlike luck; shape (seeds, speakers)."""
    dice = np.random.default_rng(seed)
    rates = 0.12 * np.exp(dice.normal(0, 0.5, speakers))
    luck = np.exp(dice.normal(0, deviation, (seeds, 1)))
    return dice.poisson(rates * luck * WORDS[:speakers])


def known(interval: Interval | None) -> tuple[float, float, float]:
    assert interval is not None
    assert interval.low is not None
    assert interval.high is not None
    return interval.value, interval.low, interval.high
