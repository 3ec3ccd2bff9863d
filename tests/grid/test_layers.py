"""Silos that are asked for some layers send these alone; strategies are given whole records all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedMedian
from support.running import tiny_table

import fedasr
from fedasr.common.files import load_arrays
from fedasr.common.randomness import Streams
from fedasr.experiment.experiment import Experiment
from fedasr.grid.exchange import Answers, Mean
from fedasr.grid.in_process import InProcess
from fedasr.grid.workers import Workers
from fedasr.messages.kinds import GRADIENT, TRAIN
from fedasr.messages.records import CHANGE, array_record, arrays_of

SENT = {"body": np.full((50, 100), 3, np.float32), "head.a": np.ones(7, np.float32), "head.b": np.zeros(5, np.float32)}
SILOS = 3


@dataclass(frozen=True)
class Head:
    """Silos that send the head moved by one more than their number; one of them sends something else, too."""

    record: str = "arrays"
    more: Mapping[int, tuple[str, ...]] | None = None

    def __call__(self) -> ClientApp:
        app = ClientApp()

        @app.train("gradient" if self.record == CHANGE else "default")
        def train(message: Message, context: Context) -> Message:
            silo = int(context.node_config["silo"])
            sent = arrays_of(message.content.array_records["arrays"])
            names = ("head.a", "head.b", *(self.more or {}).get(silo, ()))
            base = 0 if self.record == CHANGE else 1
            arrays = {name: base * sent[name] + np.float32(silo + 1) for name in names}
            metrics = MetricRecord({"num-examples": 2**silo})
            return Message(RecordDict({self.record: array_record(arrays), "metrics": metrics}), reply_to=message)

        return app


def _asked(app: Head, mean: Mean | None, workers: Workers | None = None) -> Answers:
    grid = (workers or InProcess()).open_grid(app, {silo: {"silo": silo} for silo in range(SILOS)}, Streams(1))
    config = ConfigRecord({"server-round": 1, "layers": ["head.*"]})
    content = RecordDict({"arrays": array_record(SENT), "config": config})
    kind = GRADIENT if app.record == CHANGE else TRAIN
    return grid.exchange([Message(content, node, kind.name) for node in grid.get_node_ids()], round=1, mean=mean)


def _values(reply: Message, record: str, *kinds: type) -> dict[str, np.ndarray]:
    arrays = arrays_of(reply.content.array_records[record])
    assert list(arrays) == list(SENT), "whole, and in the order that was sent"
    assert {array.dtype for array in arrays.values()} == {np.dtype(kind) for kind in (np.float32, *kinds)}
    return arrays


@pytest.mark.parametrize("record", ["arrays", CHANGE])
def test_each_reply_is_completed_and_only_the_layers_are_counted(record: str) -> None:
    answers = _asked(Head(record), None)
    for silo, reply in enumerate(answers.replies):
        arrays = _values(reply, record)
        untouched = SENT["body"] * (record == "arrays")
        np.testing.assert_array_equal(arrays["body"], untouched)
        np.testing.assert_array_equal(arrays["head.a"], SENT["head.a"] * (record == "arrays") + silo + 1)
    assert {outcome.uplink_blob_bytes < 2 * 4 * 12 for outcome in answers.outcomes} == {True}


@pytest.mark.parametrize(("mean", "record"), [(Mean(), "arrays"), (Mean(), CHANGE), (Mean(clip_norm=1e6), "arrays")])
def test_a_mean_is_that_of_the_layers_beside_what_did_not_travel(mean: Mean, record: str) -> None:
    (reply,) = _asked(Head(record), mean).replies
    is_change = record == CHANGE or mean.clip_norm is not None
    sums = [] if mean.clip_norm is None else [np.float64]  # clipped changes are added up, before any noise
    arrays = _values(reply, CHANGE if is_change else "arrays", *sums)
    np.testing.assert_array_equal(arrays["body"], np.zeros_like(SENT["body"]) if is_change else SENT["body"])
    moved = 1 + 2 + 3 if mean.clip_norm else (1 * 1 + 2 * 2 + 4 * 3) / 7
    expected = SENT["head.a"] * (not is_change) + moved
    np.testing.assert_allclose(arrays["head.a"], expected, rtol=2 * np.finfo(np.float32).eps)


@pytest.mark.parametrize("mean", [None, Mean()])
def test_a_silo_that_sends_what_was_not_asked_for_is_refused(mean: Mean | None) -> None:
    answers = _asked(Head(more={1: ("body",)}), mean)
    (failed,) = answers.failed
    assert failed.request.silo == 1
    assert "asked for: body" in str(failed.error)
    assert answers.answered == SILOS - 1


class HeadMedian(FedMedian):
    """A strategy that reads every reply, and has the output layer alone trained."""

    def configure_train(self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid) -> Any:
        config["layers"] = ["ctc.*"]
        return super().configure_train(server_round, arrays, config, grid)


def test_a_strategy_that_reads_every_reply_is_given_whole_models(tmp_path: Path) -> None:
    rows = [
        {"name": "head", "strategy": f"{__name__}:HeadMedian"},
        {"name": "all", "strategy": "flwr.serverapp.strategy:FedMedian"},
    ]
    experiment = Experiment.from_table(tiny_table(compare=rows))
    head, whole = fedasr.run(experiment, grid="process", out=tmp_path / "run").rows
    assert head["status"] == "finished", head["failure"]
    (start,) = (load_arrays(path)[0] for path in (tmp_path / "run" / "start").glob("*.safetensors"))
    model = load_arrays(tmp_path / "run" / "head" / "model.safetensors")[0]
    chosen = sum(array.size for name, array in start.items() if name.startswith("ctc."))
    share = chosen / sum(array.size for array in start.values())
    for name, array in model.items():
        assert np.array_equal(array, start[name]) == (not name.startswith("ctc.")), name
    assert head["uplink_bytes"] < 2 * share * whole["uplink_bytes"], "envelopes weigh something"
