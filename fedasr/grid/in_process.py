"""Silos in this process, one after another: the same semantics and bits without Ray."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fedasr.common.randomness import Streams
from fedasr.common.threads import one_thread
from fedasr.grid.exchange import Exchange, Gathered, Request
from fedasr.grid.rules import RULES, Rules
from fedasr.grid.silo_grid import SiloGrid
from fedasr.grid.sums.tree import sum_of
from fedasr.grid.worker import AppFactory, NodeConfigs, Worker
from fedasr.grid.workers import MapFunction, Workers


class InProcessGrid(SiloGrid):
    """The silos of a simulation in this process, one after another: for debuggers and notebooks."""

    def __init__(self, worker: Worker, silos: int, rules: Rules) -> None:
        super().__init__(silos, rules)
        self._worker = worker

    def silo_states(self) -> Iterator[tuple[int, Mapping[str, NDArray[Any]]]]:
        return iter(self._worker.states(range(self.silos)))

    def restore_silos(self, states: Iterable[tuple[int, Mapping[str, NDArray[Any]]]]) -> None:
        self._worker.restore(list(states))

    def _exchange(self, exchange: Exchange, requests: Sequence[Request]) -> Gathered:
        with one_thread():
            outcomes = self._worker.handle(exchange, requests)
            return Gathered(outcomes, sum_of(exchange.leaves, self._worker.held()) if exchange.mean else None)


class InProcess(Workers):
    """No other process: the same semantics and the same bits without Ray."""

    count = 1

    def open_grid(
        self, app_factory: AppFactory, node_configs: NodeConfigs, streams: Streams, rules: Rules = RULES
    ) -> SiloGrid:
        worker = Worker(app_factory, node_configs, streams, rules.codec)
        return InProcessGrid(worker, len(node_configs), rules)

    def map(self, function: MapFunction, shared: Any, items: Sequence[Any]) -> list[Any]:
        with one_thread():
            return function(shared, items)

    def share(self, folder: Path) -> None:
        """Do nothing: all work is done where the folder is."""

    def close(self) -> None:
        pass
