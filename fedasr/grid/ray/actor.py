"""The Ray actor in which silos live."""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ray
import torch

from fedasr.common.allocator import give_back_memory, keep_freed_memory
from fedasr.common.randomness import Streams
from fedasr.grid.exchange import Exchange, Outcome, Request
from fedasr.grid.ray.machines import Machine, this_machine
from fedasr.grid.ray.shipping import unpack
from fedasr.grid.sums.tree import Subtotal
from fedasr.grid.worker import AppFactory, NodeConfigs, Worker
from fedasr.grid.workers import MapFunction
from fedasr.wire.codec import Codec


class Actor:
    """A worker in a process of its own."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        keep_freed_memory()
        self._worker: Worker | None = None

    def ready(self) -> int:
        """Return the process id, once the process can work."""
        return os.getpid()

    def machine(self) -> Machine:
        """Return the machine and what runs there."""
        return this_machine()

    def node(self) -> str:
        """Return Ray's id of the machine."""
        return str(ray.get_runtime_context().get_node_id())

    def has(self, folder: Path) -> bool:
        """Return whether the machine has a folder."""
        return folder.is_dir()

    def receive(self, folder: Path, references: Sequence[Any]) -> None:
        """Write a folder, fetching one piece after another."""
        unpack(folder, (ray.get(reference) for reference in references))

    def forget(self) -> None:
        """Forget the silos of a row that has ended, and give back the memory that it took."""
        self._worker = None
        give_back_memory()
        gc.freeze()  # what is left are libraries: the next collection need not search them again

    def open(self, app_factory: AppFactory, node_configs: NodeConfigs, streams: Streams, codec: Codec) -> None:
        """Forget the silos of an earlier grid and take those of another."""
        self._worker = Worker(app_factory, node_configs, streams, codec)

    def handle(self, exchange: Exchange, requests: Sequence[Request]) -> list[Outcome]:
        """Run some requests of an exchange."""
        assert self._worker is not None
        return self._worker.handle(exchange, requests)

    def held(self) -> list[Subtotal]:
        """Return what was added up of the last exchange."""
        assert self._worker is not None
        return self._worker.held()

    def states(self, silos: Sequence[int]) -> list[tuple[int, Mapping[str, Any]]]:
        """Return what some silos keep between messages."""
        assert self._worker is not None
        return list(self._worker.states(silos))

    def restore(self, states: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        """Give silos what they kept."""
        assert self._worker is not None
        self._worker.restore(states)

    def apply(self, function: MapFunction, shared: Any, items: Sequence[Any]) -> list[Any]:
        """Return ``function(shared, items)``."""
        return function(shared, items)
