"""The Ray actor in which silos live."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ray
import torch

from fedasr.common.randomness import Streams
from fedasr.grid.exchange import Exchange, Outcome, Request
from fedasr.grid.ray.shipping import unpack
from fedasr.grid.sums.tree import Part
from fedasr.grid.worker import AppFactory, NodeConfigs, Worker
from fedasr.grid.workers import MapFunction
from fedasr.wire.codec import Codec

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 1 << 29
"""The C library's names for its thresholds, and the size up to which freed memory stays with an actor."""


class Actor:
    """A worker in a process of its own."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        keep_freed_memory()
        self._worker: Worker | None = None

    def ready(self) -> int:
        """Return the process id, once the process can work."""
        return os.getpid()

    def node(self) -> str:
        """Return Ray's id of the machine."""
        return str(ray.get_runtime_context().get_node_id())

    def has(self, folder: Path) -> bool:
        """Return whether the machine has a folder."""
        return folder.is_dir()

    def receive(self, folder: Path, references: Sequence[Any]) -> None:
        """Write a folder, fetching one piece after another."""
        unpack(folder, (ray.get(reference) for reference in references))

    def open(self, app_factory: AppFactory, node_configs: NodeConfigs, streams: Streams, codec: Codec) -> None:
        """Forget the silos of an earlier grid and take those of another."""
        self._worker = Worker(app_factory, node_configs, streams, codec)

    def handle(self, exchange: Exchange, requests: Sequence[Request]) -> list[Outcome]:
        """Run some requests of an exchange."""
        assert self._worker is not None
        return self._worker.handle(exchange, requests)

    def held(self) -> list[Part]:
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


def keep_freed_memory() -> None:
    """Let the C library reuse large blocks instead of fetching and zeroing new pages for each of them.

    Every message allocates models, gradients and sums anew; with pages kept, a copy takes half the time.
    """
    try:
        options = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    options(M_MMAP_THRESHOLD, KEPT_BYTES)
    options(M_TRIM_THRESHOLD, KEPT_BYTES)
