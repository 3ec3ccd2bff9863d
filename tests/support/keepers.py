"""A ClientApp whose silos keep things between messages, and fail when a message tells them to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Context, Error, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from numpy.typing import NDArray

from fedasr.messages.records import array_record, arrays_of

SHAPES = {"weight": (12, 30), "bias": (30,)}
Arrays = Mapping[str, NDArray[np.float32]]

FAULTS = ("nan", "shape", "name", "weight", "raise", "error", "late", "two records")
"""What a silo can be told to do wrong, always after it changed what it keeps."""
LATE_SECONDS = 0.15


def sent(
    round: int, faults: Mapping[int, str] | None = None, shapes: Mapping[str, tuple[int, ...]] = SHAPES,
    **config: str | int,
) -> RecordDict:  # fmt: skip
    """Return a message that asks for a change; `faults` tells silos what to do wrong."""
    told = {f"fault {silo}": fault for silo, fault in (faults or {}).items()}
    model = {name: np.full(shape, round, np.float32) for name, shape in shapes.items()}
    return RecordDict({"arrays": array_record(model), "config": ConfigRecord({"step": round, **told, **config})})


def change_of(silo: int, step: int, like: Arrays) -> dict[str, NDArray[np.float32]]:
    """Return the change that a silo replies with."""
    dice = np.random.default_rng([silo, step])
    return {name: dice.standard_normal(array.shape, np.float32) for name, array in like.items()}


@dataclass(frozen=True)
class Keeper:
    """Makes the app: it answers ``train`` with a model, ``train.gradient`` with a change."""

    def __call__(self) -> ClientApp:
        app = ClientApp()

        @app.train()
        def train(message: Message, context: Context) -> Message:
            return _reply(message, context, is_model=True)

        @app.train("gradient")
        def gradient(message: Message, context: Context) -> Message:
            return _reply(message, context, is_model=False)

        return app


def _reply(message: Message, context: Context, is_model: bool) -> Message:
    silo, config = int(context.node_config["silo"]), message.content.config_records["config"]
    model, step = arrays_of(message.content.array_records["arrays"]), int(config["step"])  # type: ignore[arg-type]
    change = change_of(silo, step, model)
    _keep(context.state, change, step)
    fault = str(config.get(f"fault {silo}", ""))
    if fault == "raise":
        raise OSError("no electricity")
    if fault == "error":
        return Message(Error(2, "no electricity"), reply_to=message)
    if fault == "late":
        time.sleep(3 * LATE_SECONDS)
    arrays = {name: model[name] + part for name, part in change.items()} if is_model else change
    records = {"arrays" if is_model else "change": array_record(_spoilt(arrays, fault))}
    if fault == "two records":
        records["more"] = array_record({"odd": np.zeros(3, np.float32)})
    metrics = MetricRecord({"num-examples": -1 if fault == "weight" else 1})
    return Message(RecordDict({**records, "metrics": metrics}), reply_to=message)


def _keep(state: RecordDict, change: Arrays, step: int) -> None:
    """Change what is kept in every way there is: a new record, a record's entries, a list within one."""
    record = state.get("velocity")
    before = arrays_of(record) if isinstance(record, ArrayRecord) else {}
    if {name: a.shape for name, a in before.items()} != {name: a.shape for name, a in change.items()}:
        before = {}
    state["velocity"] = array_record({name: part + before.get(name, 0) for name, part in change.items()})
    diary = state.setdefault("diary", ConfigRecord({"steps": [0], "last": 0}))
    diary["steps"].append(step)  # type: ignore[union-attr,index]
    diary["last"] = step  # type: ignore[index]
    state[f"only of {step}"] = MetricRecord({"step": step})
    state.pop(f"only of {step - 1}", None)


def _spoilt(arrays: dict[str, NDArray[np.float32]], fault: str) -> dict[str, NDArray[np.float32]]:
    if fault == "nan":
        arrays["bias"] = np.full_like(arrays["bias"], np.nan)
    if fault == "shape":
        arrays["bias"] = arrays["bias"][:-1]
    if fault == "name":
        arrays["prejudice"] = arrays.pop("bias")
    return arrays
