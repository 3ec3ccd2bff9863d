from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flwr.app import ConfigRecord, Message, MetricRecord, RecordDict
from support.running import tiny_table
from support.toys import open_toy

import fedasr
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.strategy_options import STRATEGIES
from fedasr.grid.in_process import InProcess
from fedasr.messages.records import array_record, arrays_of
from fedasr.runs.model_file import load_model

from .conftest import Install


@pytest.fixture
def strategy(install: Install) -> str:
    install("strategy.py", STRATEGIES.group, "fedexp", "FedExP")
    return "fedexp"


def reply(change: float) -> Message:
    metrics = MetricRecord({"num-examples": 1})
    content = RecordDict({"arrays": array_record({"w": np.float32([1 + change, 0])}), "metrics": metrics})
    return Message(content, reply_to=Message(RecordDict(), 2, "train"))


@pytest.mark.parametrize(("changes", "rate"), [((1.0, 1.0), 1.0), ((1.0, -0.8), (1 + 0.64) / (4 * (0.01 + 1e-3)))])
def test_its_step_grows_where_silos_disagree(strategy: str, changes: tuple[float, float], rate: float) -> None:
    found = STRATEGIES.find(strategy)(min_train_nodes=2, min_available_nodes=2)
    grid = open_toy(InProcess(), 2)
    list(found.configure_train(1, array_record({"w": np.float32([1, 0])}), ConfigRecord(), grid))
    moved, _ = found.aggregate_train(1, [reply(change) for change in changes])
    assert moved is not None
    np.testing.assert_allclose(arrays_of(moved)["w"], [1 + rate * sum(changes) / 2, 0], rtol=1e-5)


def test_a_row_runs_it(strategy: str, tmp_path: Path) -> None:
    table = tiny_table(compare=[{"name": "exp", "strategy": strategy, "options": {"epsilon": 0.01}}])
    (row,) = fedasr.run(Experiment.from_table(table), out=tmp_path / "run", grid="process").rows
    assert (row["failure"], row["rounds"]) == (None, 2)
    assert load_model(tmp_path / "run" / "exp").tokens.size > 2
