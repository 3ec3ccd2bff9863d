"""Strategies of others that remember things between rounds, and whose models depend on all that they remember."""

from __future__ import annotations

import collections
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, Message, MetricRecord
from flwr.serverapp.strategy import FedAvg

from fedasr.messages.records import array_record, arrays_of


@dataclass
class Seen:
    """What a strategy wrote down of a round."""

    round: int
    factor: np.float64


class Cooling:
    """A schedule that counts how often it was called."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> float:
        self.calls += 1
        return float(0.9**self.calls)


class Remembering(FedAvg):
    """Scales its model by a factor made of everything that it remembers."""

    def __init__(self, **sampling: Any) -> None:
        super().__init__(**sampling)
        self.rounds: tuple[int, ...] = ()
        self.counts: collections.defaultdict[tuple[int, str], int] = collections.defaultdict(int)
        self.history: list[Seen] = []
        self.cooling = Cooling()
        self.dice = np.random.default_rng(7)
        self.third = np.float64(1) / 3
        self.first: Any = None

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        arrays, metrics = super().aggregate_train(server_round, replies)
        assert arrays is not None
        self.rounds = (*self.rounds, server_round)
        self.counts[server_round, "asked"] += len(self.rounds)
        self.history.append(Seen(server_round, self.third * len(self.history)))
        self.first = self.first or metrics
        terms = (
            self.cooling(), float(self.dice.standard_normal()), sum(self.counts.values()), float(self.third),
            sum(seen.factor for seen in self.history), float(self.first["loss"]),  # type: ignore[arg-type]
        )  # fmt: skip
        factor = self.third + np.float64(sum(terms)) / 100
        return array_record({name: array * factor for name, array in arrays_of(arrays).items()}), metrics


class Unsavable(Remembering):
    """Holds a lock, which no file can hold."""

    def __init__(self, **sampling: Any) -> None:
        super().__init__(**sampling)
        self.lock = threading.Lock()


class Changing(Remembering):
    """Goes over to another function, which a new strategy knows nothing of."""

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        self.scale = lambda: server_round
        return super().aggregate_train(server_round, replies)
