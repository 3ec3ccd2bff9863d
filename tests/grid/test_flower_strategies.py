"""Flower's own strategies, unmodified, on our grids."""

import logging
from collections.abc import Callable

import numpy as np
import pytest
from flwr.serverapp.strategy import FedAdam, FedAvg, FedAvgM, FedMedian, FedTrimmedAvg, Krum, Strategy
from support.toys import SHAPES, Toy, initial, open_toy

from fedasr.grid.exchange import Mean
from fedasr.grid.workers import Workers
from fedasr.messages.records import arrays_of
from fedasr.server.foreign.readers import averages

from .conftest import WorkersNamed

SILOS = 7
UNMODIFIED: dict[str, Callable[[], Strategy]] = {
    "FedAvg": lambda: FedAvg(),
    "FedAvgM": lambda: FedAvgM(server_momentum=0.5, server_learning_rate=0.7),
    "FedAdam": lambda: FedAdam(),
    "FedMedian": lambda: FedMedian(),
    "FedTrimmedAvg": lambda: FedTrimmedAvg(beta=0.2),
    "Krum": lambda: Krum(num_malicious_nodes=1),
}
Model = dict[str, np.ndarray]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("flwr").setLevel(logging.ERROR)


def _run(workers: Workers, make: Callable[[], Strategy], rounds: int = 2, mean: Mean | None = None) -> Model:
    grid = open_toy(workers, SILOS, Toy({1: "permuted"}))
    result = make().start(grid=grid.of_round(0, mean), initial_arrays=initial(), num_rounds=rounds)
    assert len(result.train_metrics_clientapp) == rounds
    assert len(result.evaluate_metrics_clientapp) == rounds
    return arrays_of(result.arrays)


def _replies() -> list[Model]:
    return [{n: Toy()._changed(a, silo) for n, a in arrays_of(initial()).items()} for silo in range(SILOS)]


@pytest.mark.parametrize("name", sorted(UNMODIFIED))
def test_both_grids_give_the_same_model(name: str, workers_named: WorkersNamed) -> None:
    found = [_run(workers_named(grid), UNMODIFIED[name]) for grid in ("process", "ray 2")]
    start = arrays_of(initial())
    for array_name in SHAPES:
        assert found[0][array_name].tobytes() == found[1][array_name].tobytes()
        assert not np.array_equal(found[0][array_name], start[array_name])


def test_fedmedian_is_the_median(workers: Workers) -> None:
    found = _run(workers, UNMODIFIED["FedMedian"], rounds=1)
    np.testing.assert_allclose(found["weight"], np.median([r["weight"] for r in _replies()], axis=0), rtol=1e-6)


def test_fedavg_is_the_weighted_mean(workers: Workers) -> None:
    found = _run(workers, UNMODIFIED["FedAvg"], rounds=1)
    stacked = np.stack([r["weight"] for r in _replies()]).astype(np.float64)
    expected = np.average(stacked, axis=0, weights=range(1, SILOS + 1))
    np.testing.assert_allclose(found["weight"], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["FedAvg", "FedAvgM", "FedAdam"])
def test_averaging_where_replies_are_made_is_what_the_strategy_would_do(name: str, workers: Workers) -> None:
    make = UNMODIFIED[name]
    assert averages(make())
    whole, partial = _run(workers, make), _run(workers, make, mean=Mean())
    for array_name in SHAPES:
        np.testing.assert_allclose(partial[array_name], whole[array_name], rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", ["FedMedian", "FedTrimmedAvg", "Krum"])
def test_strategies_that_need_every_reply_are_not_given_a_mean(name: str) -> None:
    assert not averages(UNMODIFIED[name]())


class _Mine(FedAvg):
    pass


def test_a_subclass_of_fedavg_sees_every_reply_unless_it_declares_otherwise() -> None:
    """It may do anything with replies: Krum is a subclass of FedAvg, too."""
    assert not averages(_Mine())
    mine = _Mine()
    mine.reduce = "weighted_mean"  # type: ignore[attr-defined]
    assert averages(mine)
