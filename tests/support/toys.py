"""A ClientApp of NumPy alone whose silos can misbehave."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from fedasr.common.randomness import Streams
from fedasr.grid.rules import RULES, Rules
from fedasr.grid.silo_grid import SiloGrid
from fedasr.grid.workers import Workers
from fedasr.messages.records import array_record

SHAPES = {"weight": (40, 1000), "bias": (1000,), "scale": ()}
"""Big enough that sums run over more than one chunk."""


WEIGHTS: dict[str, dict[str, float]] = {
    "no weight": {}, "negative weight": {"num-examples": -1}, "nan weight": {"num-examples": float("nan")},
    "zero weight": {"num-examples": 0},
}  # fmt: skip


def initial() -> ArrayRecord:
    generator = np.random.default_rng(0)
    return array_record({name: generator.standard_normal(shape, np.float32) for name, shape in SHAPES.items()})


@dataclass(frozen=True)
class Toy:
    """Makes the app. ``faults`` says what a silo does wrong, ``marker`` remembers that it did so once."""

    faults: Mapping[int, str] = field(default_factory=dict)
    marker: Path | None = None
    draws: bool = False
    plain_arrays: bool = False

    def __call__(self) -> ClientApp:
        app = ClientApp()

        @app.train()
        def train(message: Message, context: Context) -> Message:
            return self._train(message, int(context.node_config["silo"]))

        @app.evaluate()
        def evaluate(message: Message, context: Context) -> Message:
            silo = int(context.node_config["silo"])
            metrics = MetricRecord({"num-examples": silo + 1, "loss": float(silo)})
            return Message(RecordDict({"metrics": metrics}), reply_to=message)

        @app.query("count")
        def count(message: Message, context: Context) -> Message:
            seen = context.state.setdefault("seen", ConfigRecord({"times": 0}))
            seen["times"] += 1  # type: ignore[operator,index]
            return Message(RecordDict({"seen": ConfigRecord(dict(seen))}), reply_to=message)  # type: ignore[arg-type]

        @app.query("scribble")
        def scribble(message: Message, context: Context) -> Message:
            config = message.content.config_records["config"]
            before = ConfigRecord({"found": "scribble" in config, "records": len(message.content)})
            config["scribble"] = 1
            message.content["more"] = ConfigRecord()
            del message.content.array_records["arrays"]["bias"]
            return Message(RecordDict({"before": before}), reply_to=message)

        return app

    def _train(self, message: Message, silo: int) -> Message:
        fault = self.faults.get(silo, "")
        if fault == "raise":
            raise OSError("no electricity\nfor two lines")
        if fault == "always hang" or (fault == "hang" and self._first_time()):
            time.sleep(120)
        if fault == "deaf" and self._first_time():
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})  # as code of another language that never returns
            time.sleep(120)
        if fault == "always die" or (fault == "die" and self._first_time()):
            os.kill(os.getpid(), signal.SIGKILL)
        arrays = {name: array.numpy() for name, array in message.content.array_records["arrays"].items()}
        arrays = {name: self._changed(array, silo) for name, array in arrays.items()}
        arrays = _spoilt(arrays, fault)
        weight = WEIGHTS.get(fault, {"num-examples": silo + 1})
        record = ArrayRecord({n: Array(a) for n, a in arrays.items()}) if self.plain_arrays else array_record(arrays)
        metrics = MetricRecord({**weight, "loss": 1 / (silo + 3), "pair": [silo, 2 * silo]})
        return Message(RecordDict({"arrays": record, "metrics": metrics}), reply_to=message)

    def _changed(self, array: np.ndarray, silo: int) -> np.ndarray:
        moved = array * np.float32(1 + silo / 7) + np.float32(silo / 13)
        if self.draws:
            moved = moved + np.random.standard_normal(array.shape) + random.random() + float(torch.rand(()))
        return np.asarray(moved, np.float32)

    def _first_time(self) -> bool:
        assert self.marker is not None
        try:
            self.marker.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def _spoilt(arrays: dict[str, np.ndarray], fault: str) -> dict[str, np.ndarray]:
    match fault:
        case "nan" | "inf":
            arrays["bias"][3] = float(fault)
        case "two infinities":
            arrays["bias"][3:5] = np.inf, -np.inf
        case "shape":
            arrays["bias"] = arrays["bias"].reshape(10, 100)
        case "missing name":
            del arrays["bias"]
        case "other name":
            arrays["prejudice"] = arrays.pop("bias")
        case "permuted":
            arrays = dict(reversed(arrays.items()))
    return arrays


def open_toy(workers: Workers, silos: int, toy: Toy | None = None, seed: int = 3, rules: Rules = RULES) -> SiloGrid:
    nodes = {silo: {"silo": silo} for silo in range(silos)}
    return workers.open_grid(toy or Toy(), nodes, Streams(seed), rules)


def train_messages(grid: SiloGrid, arrays: ArrayRecord | None = None) -> list[Message]:
    content = RecordDict({"arrays": arrays or initial(), "config": ConfigRecord({"server-round": 1})})
    return [Message(content, node, "train") for node in grid.get_node_ids()]


@dataclass(frozen=True)
class Says:
    """Makes an app that trains to what it is told: silo n replies the arrays and the weight at place n."""

    arrays: tuple[Mapping[str, np.ndarray], ...]
    weights: tuple[float, ...] = ()

    def __call__(self) -> ClientApp:
        app = ClientApp()

        @app.train()
        def train(message: Message, context: Context) -> Message:
            silo = int(context.node_config["silo"])
            metrics = MetricRecord({"num-examples": self.weights[silo] if self.weights else 1})
            content = RecordDict({"arrays": array_record(self.arrays[silo]), "metrics": metrics})
            return Message(content, reply_to=message)

        return app
