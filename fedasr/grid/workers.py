"""Workers: what opens grids and spreads other work; in this process, or on Ray."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fedasr.common.allocator import give_back_memory
from fedasr.common.errors import UserError
from fedasr.common.randomness import Streams
from fedasr.corpora.spec import NODES
from fedasr.grid.rules import RULES, Rules
from fedasr.grid.silo_grid import SiloGrid
from fedasr.grid.worker import AppFactory, NodeConfigs
from fedasr.messages.elsewhere.introduction import Introduction

MapFunction = Callable[[Any, Sequence[Any]], list[Any]]


class Workers(ABC):
    """Processes (or this one) in which silos work; one compute thread each."""

    count: int

    @abstractmethod
    def open_grid(
        self, app_factory: AppFactory, node_configs: NodeConfigs, streams: Streams, rules: Rules = RULES
    ) -> SiloGrid:
        """Return a grid whose silos are the keys of `node_configs`; an earlier grid's silos are forgotten."""

    @abstractmethod
    def map(self, function: MapFunction, shared: Any, items: Sequence[Any]) -> list[Any]:
        """Return ``function(shared, items)``, computed in pieces by all workers; `shared` travels once.

        The function returns one result an item, and none may depend on which others share its piece.
        """

    @abstractmethod
    def share(self, folder: Path) -> None:
        """Make a folder readable, at the same path, wherever work is done; it must not change any more."""

    def introduce(self, introduction: Introduction, silos: int) -> tuple[int, ...]:
        """Tell the nodes that hold speech of their own what they cannot know; return how many utterances each holds.

        Raises
        ------
        UserError
            Where silos are simulated: their speech has to be here.
        """
        raise UserError(
            f'corpus.partition is "{NODES}": the speech of the silos lies with SuperNodes; run the row with flwr run'
        )

    def forget(self) -> None:
        """Forget the silos of a row that has ended, and give back the memory that it took, here and in the workers."""
        give_back_memory()

    def describe(self) -> dict[str, Any]:
        """Return how many workers there are, on how many machines, and what runs on each other than this one."""
        return {"workers": self.count, "machines": 1}

    @abstractmethod
    def close(self) -> None:
        """Let the processes go."""
