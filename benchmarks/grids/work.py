"""What a silo does in a round: the same functions for every contestant."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from numpy.typing import NDArray

from fedasr.messages.records import array_record
from grids.cases import ADD, Case

LEARNING_RATE = 0.1
Example = tuple[torch.Tensor, torch.Tensor]


class Linear(torch.nn.Module):
    """A linear regressor with squared error; `loss` and `metrics` are what pfl asks for."""

    def __init__(self, values: int) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(values, 1, bias=False)
        torch.nn.init.zeros_(self.layer.weight)

    def loss(self, features: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return 0.5 * (self.layer(features) - target).square().sum()

    def metrics(self, features: torch.Tensor, target: torch.Tensor) -> dict[str, Any]:
        from pfl.metrics import Weighted

        with torch.no_grad():
            return {"loss": Weighted.from_unweighted(self.loss(features, target).item())}


@functools.lru_cache(maxsize=1)
def features(values: int) -> torch.Tensor:
    """Return the features that all silos see; made once in each process."""
    return torch.linspace(0.5, 1.5, values)[None] / values**0.5


@functools.cache
def target(silo: int) -> torch.Tensor:
    """Return what a silo would have the model say; made once in each process, as its data would be."""
    return torch.full((1, 1), 1.0 + silo)


def example(values: int, silo: int) -> Example:
    """Return the one example of a silo: its target is its own."""
    return features(values), target(silo)


@functools.lru_cache(maxsize=1)
def learner(values: int) -> tuple[Linear, torch.optim.Optimizer]:
    """Return this process's model and its optimizer, made once."""
    model = Linear(values)
    return model, torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)


def start(case: Case) -> dict[str, NDArray[np.float32]]:
    """Return the model with which a case begins."""
    return {"weight": np.zeros(case.values, np.float32)}


def summary(arrays: dict[str, NDArray[Any]]) -> dict[str, float]:
    """Return numbers that two contestants with the same model share."""
    values = next(iter(arrays.values())).reshape(-1)
    if not values.size:
        return {}
    return {"mean": float(values.mean(dtype=np.float64)), "first": float(values[0]), "last": float(values[-1])}


def add_app(stock_arrays: bool) -> ClientApp:
    """Return a ClientApp that adds a number of its own to every value."""
    app = ClientApp()

    @app.train()
    def _train(message: Message, context: Context) -> Message:
        silo = int(context.node_config["partition-id"])
        values = message.content.array_records["arrays"]["weight"].numpy()
        values += np.float32(silo + 1)
        return _reply(message, values, 1 + silo % 3, stock_arrays)

    return app


def step_app() -> ClientApp:
    """Return a ClientApp that takes one SGD step on its one example."""
    app = ClientApp()

    @app.train()
    def _train(message: Message, context: Context) -> Message:
        values = torch.from_numpy(message.content.array_records["arrays"]["weight"].numpy())
        model, optimizer = learner(values.numel())
        model.layer.weight.data = values[None]
        optimizer.zero_grad()
        model.loss(*example(values.numel(), int(context.node_config["partition-id"]))).backward()
        optimizer.step()
        return _reply(message, values.numpy(), 1, stock_arrays=False)

    return app


def app_of(case: Case) -> ClientApp:
    """Return the ClientApp of a case."""
    return add_app(case.stock_arrays) if case.work == ADD else step_app()


def _reply(message: Message, values: NDArray[Any], weight: int, stock_arrays: bool) -> Message:
    arrays = ArrayRecord({"weight": Array(values)}) if stock_arrays else array_record({"weight": values})
    metrics = MetricRecord({"num-examples": weight, "loss": 0.0})
    return Message(RecordDict({"arrays": arrays, "metrics": metrics}), reply_to=message)
