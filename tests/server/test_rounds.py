"""Rounds of a strategy, which may be anybody's: what it raises ends its own row in one line, and the log says where."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from flwr.serverapp.strategy import FedAvg
from support.toys import Toy, open_toy
from support.unequal import run_unequal

from fedasr.common.errors import RowError, UserError
from fedasr.common.files import read_lines
from fedasr.grid.in_process import InProcess
from fedasr.server.rounds import drive

CENTRAL: Any = SimpleNamespace(start={"weight": np.zeros(2, np.float32)}, row=SimpleNamespace(name="broken"))


class Broken(FedAvg):
    """A strategy with a start of its own, which raises an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def start(self, grid: Any, initial_arrays: Any, *, central: Any) -> Any:  # type: ignore[override]
        raise self.error


def _drive(error: Exception) -> None:
    drive(Broken(error), open_toy(InProcess(), 2, Toy()), CENTRAL)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ValueError("no\n  idea"), "Broken: ValueError: no idea"),
        (ZeroDivisionError(), "Broken: ZeroDivisionError"),
    ],
)
def test_an_error_of_a_strategy_is_a_line_and_a_traceback_in_the_log(
    error: Exception, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "fedasr")
    with pytest.raises(RowError) as refusal:
        _drive(error)
    place = f" ({__file__}, line {Broken.start.__code__.co_firstlineno + 1})"
    assert str(refusal.value) == says + place
    assert refusal.value.__cause__ is error
    (record,) = [record for record in caplog.records if "row broken" in record.getMessage()]
    assert record.exc_info is not None
    assert record.exc_info[1] is error


@pytest.mark.parametrize("error", [RowError("this row cannot go on"), UserError("this file is wrong")])
def test_a_refusal_is_passed_on_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as refusal:
        _drive(error)
    assert refusal.value is error


@pytest.mark.parametrize("strategy", ["fedavg", "flwr.serverapp.strategy:FedAvg"])
def test_every_round_tells_the_loss_of_its_training(strategy: str, unequal_corpus: Path, tmp_path: Path) -> None:
    row = {"name": "row", "strategy": strategy, "training": {"rounds": 2}}
    (found,) = run_unequal(unequal_corpus, tmp_path / "run", row)
    assert found["status"] == "finished", found["failure"]
    losses = {line["round"]: line["train_loss"] for line in read_lines(tmp_path / "run" / "row" / "metrics.jsonl")}
    assert losses.keys() == {0, 1, 2}
    assert losses.pop(0) is None
    assert all(math.isfinite(loss) and loss > 0 for loss in losses.values())
