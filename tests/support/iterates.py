"""The models that a row comes by on its way, noted, and their mean."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from fedasr.asr.recogniser import Weights
from fedasr.server.central import Central
from fedasr.silo import alone
from fedasr.silo.host import SiloHost
from fedasr.silo.work import Work


def mean_of(models: Sequence[Weights]) -> Weights:
    """Return the mean by NumPy in float64, as float32."""
    return {n: np.stack([model[n] for model in models]).mean(0, np.float64).astype(np.float32) for n in models[0]}


def assert_near(found: Weights, expected: Weights) -> None:
    """Two means in float64, rounded to float32, differ by a unit of its last place at most."""
    assert found.keys() == expected.keys()
    for name, array in found.items():
        np.testing.assert_array_max_ulp(array, expected[name], 1)


@contextmanager
def noted() -> Iterator[dict[str, dict[int, Weights]]]:
    """Note the model that each row reports of each round."""
    seen: dict[str, dict[int, Weights]] = defaultdict(dict)
    after_round = Central.after_round

    def noting(
        self: Central, round: int, rounds: int, weights: Callable[[], Weights], *others: Any, **more: Any
    ) -> Any:
        seen[self.row.name][round] = {name: np.array(array) for name, array in weights().items()}
        return after_round(self, round, rounds, weights, *others, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Central, "after_round", noting)
        yield seen


def flat(weights: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.asarray(array, np.float32) for name, array in weights.items()}


@contextmanager
def own_models() -> Iterator[tuple[dict[int, dict[int, Weights]], dict[int, Weights]]]:
    """Note what each silo trains its own part to in each round, and which model of its own is scored."""
    kept: dict[int, dict[int, Weights]] = defaultdict(dict)
    scored: dict[int, Weights] = {}
    keep, score = Work.keep_iterate, alone.own_scores

    def keeping(self: Work, name: str, arrays: Mapping[str, Any]) -> None:
        kept[self.silo.number][self.round] = flat(arrays)
        keep(self, name, arrays)

    def scoring(host: SiloHost, silo: Any) -> Any:
        scored[silo.number] = host.recogniser.weights()
        return score(host, silo)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Work, "keep_iterate", keeping)
        patch.setattr(alone, "own_scores", scoring)
        patch.setattr("fedasr.silo.personal.own_scores", scoring)
        yield kept, scored
