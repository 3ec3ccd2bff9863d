"""Silos that fail or are looked at, whatever the strategy: a run is given workers that call a function first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flwr.app import Context, Message

from fedasr.grid.in_process import InProcess
from fedasr.grid.silo_grid import SiloGrid
from fedasr.grid.worker import AppFactory

Before = Callable[[int, str], None]
"""Told the silo and the kind of message; what it raises is the silo's failure."""


@dataclass(frozen=True)
class Watched:
    """Makes a silo's app that calls a function before it answers."""

    factory: Any
    before: Before

    def __call__(self) -> Any:
        app = self.factory()

        def answer(message: Message, context: Context) -> Message:
            self.before(int(context.node_config["partition-id"]), message.metadata.message_type)
            reply: Message = app(message, context)
            return reply

        return answer


class WatchedSilos(InProcess):
    """Silos in this process, each message to them announced to a function."""

    def __init__(self, before: Before) -> None:
        self.before = before

    def open_grid(self, app_factory: AppFactory, *others: Any, **more: Any) -> SiloGrid:
        return super().open_grid(Watched(app_factory, self.before), *others, **more)


@dataclass(frozen=True)
class Failing:
    """Some silos fail when they are sent a kind of message."""

    kind: str
    silos: frozenset[int]

    def __call__(self, silo: int, kind: str) -> None:
        if kind == self.kind and silo in self.silos:
            raise OSError("no electricity")


def failing(kind: str, *silos: int) -> WatchedSilos:
    return WatchedSilos(Failing(kind, frozenset(silos)))
