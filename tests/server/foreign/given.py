"""Strategies as Flower's users write them; each asks for one thing."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg, FedMedian, Result, Strategy

SEEN: list[Any] = []
"""What they saw, in the order in which they saw it."""


def records(arrays: ArrayRecord, factor: float = 1.0) -> ArrayRecord:
    return ArrayRecord({n: Array(np.asarray(a.numpy() * factor, np.float32)) for n, a in arrays.items()})


class FlowersLoop(FedMedian):
    """Calls Flower's loop, and looks at what comes of it."""

    def start(self, grid: Grid, initial_arrays: ArrayRecord, *others: Any, **more: Any) -> Result:
        found = super().start(grid, initial_arrays, *others, **more)
        SEEN.append(found)
        return found


class StopsEarly(FedMedian):
    """Stops after the first round."""

    def start(
        self, grid: Grid, initial_arrays: ArrayRecord, num_rounds: int = 3, timeout: float = 3600,
        train_config: ConfigRecord | None = None, evaluate_config: ConfigRecord | None = None, evaluate_fn: Any = None,
    ) -> Result:  # fmt: skip
        return super().start(grid, initial_arrays, 1, timeout, train_config, evaluate_config, evaluate_fn)


class OwnRounds(FedMedian):
    """A loop of its own, which evaluates nothing."""

    def start(self, grid: Grid, initial_arrays: ArrayRecord, num_rounds: int = 3, **others: Any) -> Result:  # type: ignore[override]
        result = Result(arrays=initial_arrays)
        for number in range(1, num_rounds + 1):
            replies = grid.send_and_receive(self.configure_train(number, result.arrays, ConfigRecord(), grid))
            result.arrays = self.aggregate_train(number, replies)[0] or result.arrays
        return result


class OtherSignature(FedAvg):
    def start(self, grid: Grid, initial_arrays: ArrayRecord, budget: float) -> Result:  # type: ignore[override]
        return Result()


class TrainsNobody(FedAvg):
    def start(self, grid: Grid, initial_arrays: ArrayRecord, **others: Any) -> Result:  # type: ignore[override]
        return Result(arrays=initial_arrays)


class ReturnsNothing(FedAvg):
    def start(self, grid: Grid, *others: Any, **more: Any) -> Result:
        super().start(grid, *others, **more)
        return Result()


class Aggregates(FedAvg):
    """Returns what it is told to in a round, else the mean."""

    def __init__(self, what: str = "none", round: int = 1, **others: Any) -> None:
        super().__init__(**others)
        self.what, self.round = what, round

    def aggregate_train(self, server_round: int, replies: Iterable[Message]) -> Any:
        arrays, metrics = super().aggregate_train(server_round, replies)
        assert arrays is not None
        if server_round != self.round:
            return arrays, metrics
        _, *rest = arrays
        return {
            "none": (None, None),
            "nan": (records(arrays, np.nan), metrics),
            "inf": (records(arrays, np.inf), metrics),
            "by place": (ArrayRecord(arrays.to_numpy_ndarrays()), metrics),
            "too few": (ArrayRecord({name: arrays[name] for name in rest}), metrics),
            "flat": (ArrayRecord({n: Array(a.numpy().reshape(-1)[:1]) for n, a in arrays.items()}), metrics),
            "a dictionary": ({n: a.numpy() for n, a in arrays.items()}, metrics),
            "one thing": arrays,
        }[self.what]


class SendsNaN(FedAvg):
    """Spoils the model before it is sent."""

    def configure_train(self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid) -> Any:
        return super().configure_train(server_round, records(arrays, np.nan), config, grid)


class AsksNobody(FedAvg):
    def configure_train(self, *others: Any) -> list[Message]:
        return []


class Waits(Strategy):
    """Waits for more silos than there are, in a loop of its own."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def configure_train(self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid) -> Any:
        while len(list(grid.get_node_ids())) < 100:
            time.sleep(self.seconds)

    def aggregate_train(self, server_round: int, replies: Any) -> Any:
        return None, None

    configure_evaluate = configure_train  # type: ignore[assignment]
    aggregate_evaluate = aggregate_train  # type: ignore[assignment]

    def summary(self) -> None: ...


class Remembers(FedMedian):
    """Lowers a number in the configuration from round to round, as Flower's users lower a learning rate."""

    def configure_train(self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid) -> Any:
        config["proximal-mu"] = float(config.get("proximal-mu", 8.0)) / 2  # type: ignore[arg-type]
        SEEN.append((server_round, config["proximal-mu"]))
        return super().configure_train(server_round, arrays, config, grid)


class LooksAround(FedMedian):
    """Asks the grid what Flower's grid can be asked."""

    def configure_train(self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid) -> Any:
        node = min(grid.get_node_ids())
        sent = grid.create_message(RecordDict({"arrays": arrays, "config": config}), "train", node, str(server_round))
        nodes = [found.node_id for found in grid.get_nodes()]
        SEEN.append((grid.run.run_id, dict(grid.run.override_config), nodes, sent.metadata.dst_node_id))
        return super().configure_train(server_round, arrays, config, grid)


class Metrics(FedAvg):
    """Counts what it is given to make metrics of."""

    def __init__(self, **others: Any) -> None:
        super().__init__(train_metrics_aggr_fn=self._counted, **others)

    def _counted(self, contents: list[RecordDict], key: str) -> MetricRecord:
        SEEN.append(len(contents))
        return MetricRecord({"loss": 1.0})


class Sends(FedMedian):
    """Writes something into the configuration of each message, or of the one to the last silo."""

    def __init__(self, says: dict[str, Any] | None = None, to_all: bool = True, **others: Any) -> None:
        super().__init__(**others)
        self.says, self.to_all = says or {}, to_all

    def configure_train(self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid) -> Any:
        *first, last = super().configure_train(server_round, arrays, config, grid)
        said = RecordDict({"arrays": arrays, "config": ConfigRecord({**config, **self.says})})
        told = [*first, last] if self.to_all else [last]
        return [
            Message(said if m in told else m.content, m.metadata.dst_node_id, m.metadata.message_type)
            for m in (*first, last)
        ]


class OwnMessages(FedMedian):
    """Writes messages of its own: with Flower's round, another one, or none."""

    def __init__(self, rounds: str = "flower", **others: Any) -> None:
        super().__init__(**others)
        self.rounds = rounds

    def configure_train(self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid) -> Any:
        said = {"flower": {"server-round": server_round}, "first": {"server-round": 1}}.get(self.rounds, {})
        records = {"arrays": arrays, "config": ConfigRecord(said)} if self.rounds != "bare" else {"arrays": arrays}
        return [Message(RecordDict(records), node, "train") for node in grid.get_node_ids()]  # type: ignore[arg-type]


class Halves(FedMedian):
    """Halves the rate of each round: from the row's own, or from what the configuration is thought to hold."""

    def __init__(self, key: str = "lr", client_learning_rate: float = 0.0, begins: bool = True, **others: Any) -> None:
        super().__init__(**others)
        self.key, self.rate, self.begins = key, client_learning_rate, begins

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        if self.begins:
            config.setdefault(self.key, 2 * self.rate)
        config[self.key] *= 0.5  # type: ignore[operator]
        return super().configure_train(server_round, arrays, config, grid)
