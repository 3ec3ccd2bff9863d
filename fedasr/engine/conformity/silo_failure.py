"""A silo that fails: the same one, in the same rounds, in every runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flwr.app import Context, Error, Message
from flwr.clientapp import ClientApp

from fedasr.common.randomness import Streams
from fedasr.grid.flower.identity import CLIENT_APP_FAILED
from fedasr.grid.rules import RULES, Rules
from fedasr.grid.silo_grid import SiloGrid
from fedasr.grid.worker import AppFactory, NodeConfigs
from fedasr.grid.workers import MapFunction, Workers
from fedasr.silo.app import SILO

FAILING = 1
"""The number of the silo that fails."""


class FailingApp(ClientApp):
    """Answers as another app does, but for one silo in every even round: that fails after it did its work.

    What it kept between messages must then be as if it had never been asked.
    """

    def __init__(self, app: ClientApp) -> None:
        super().__init__()
        self._app = app

    def __call__(self, message: Message, context: Context) -> Message:
        reply = self._app(message, context)
        if int(context.node_config[SILO]) == FAILING and int(message.metadata.group_id or 0) % 2 == 0:
            return Message(Error(CLIENT_APP_FAILED, "this silo fails in even rounds"), reply_to=message)
        return reply


@dataclass(frozen=True)
class FailingFactory:
    """Makes a `FailingApp`, in whichever process the silos live."""

    factory: AppFactory

    def __call__(self) -> ClientApp:
        """Return the app."""
        return FailingApp(self.factory())


class WithFailingSilo(Workers):
    """Workers of another kind, one silo of which fails."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self.count = workers.count

    def open_grid(
        self, app_factory: AppFactory, node_configs: NodeConfigs, streams: Streams, rules: Rules = RULES
    ) -> SiloGrid:
        """Return a grid one silo of which fails."""
        return self._workers.open_grid(FailingFactory(app_factory), node_configs, streams, rules)

    def map(self, function: MapFunction, shared: Any, items: Sequence[Any]) -> list[Any]:
        """Do what the workers do."""
        return self._workers.map(function, shared, items)

    def share(self, folder: Path) -> None:
        """Do what the workers do."""
        self._workers.share(folder)

    def forget(self) -> None:
        """Do what the workers do."""
        self._workers.forget()

    def describe(self) -> dict[str, int]:
        """Do what the workers do."""
        return self._workers.describe()

    def close(self) -> None:
        """Leave the workers to whoever opened them."""
