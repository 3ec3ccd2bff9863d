"""A strategy's own ``start`` is called with Flower's signature, and its rounds are those of any other row."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.unequal import SIZES, run_unequal

from fedasr.common.errors import UserError
from fedasr.common.files import read_lines
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.training import TrainingSpec
from fedasr.server.strategies_by_name import build_strategy

from . import given

MINE = "server.foreign.given:"
MEDIAN = "flwr.serverapp.strategy:FedMedian"


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    given.SEEN.clear()
    yield
    given.SEEN.clear()


def _row(name: str, **others: Any) -> dict[str, Any]:
    return {"name": name.lower(), "strategy": MINE + name, **others}


def _lines(folder: Path, row: str) -> list[dict[str, Any]]:
    dropped = ("wall_seconds", "training_cpu_seconds", "simulated_seconds", "simulated_communication_seconds")
    return [{k: v for k, v in line.items() if k not in dropped} for line in read_lines(folder / row / "metrics.jsonl")]


def test_flowers_loop_called_by_the_strategy_is_the_loop_of_every_row(unequal_corpus: Path, tmp_path: Path) -> None:
    def run(strategy: str, rounds: int = 2) -> dict[str, Any]:
        name = f"{strategy.rpartition(':')[2]} {rounds}"
        training = {"rounds": rounds, "silos_per_round": 2, "local_steps": 1}
        (row,) = run_unequal(unequal_corpus, tmp_path / name, {"name": "x", "strategy": strategy}, training=training)
        assert row["status"] == "finished", row["failure"]
        return row

    plain, own = run(MEDIAN), run(MINE + "FlowersLoop")
    assert own["model_sha256"] == plain["model_sha256"]
    assert own["uplink_bytes"] == plain["uplink_bytes"]
    lines = _lines(tmp_path / "FedMedian 2", "x")
    assert _lines(tmp_path / "FlowersLoop 2", "x") == lines
    (result,) = given.SEEN
    scored = result.evaluate_metrics_serverapp
    assert [scored[round]["wer"] for round in (0, 1, 2)] == [line["development_wer"] for line in lines]
    assert [scored[round]["loss"] for round in (0, 1, 2)] == [line["development_loss"] for line in lines]
    assert run(MINE + "StopsEarly", rounds=5)["model_sha256"] == run(MEDIAN, rounds=1)["model_sha256"]


def test_a_loop_without_evaluations_is_reported_round_by_round(
    unequal_corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "fedasr")
    (found,) = run_unequal(unequal_corpus, tmp_path / "run", _row("OwnRounds"), training={"rounds": 2})
    assert found["status"] == "finished", found["failure"]
    lines = _lines(tmp_path / "run", "ownrounds")
    assert [line["round"] for line in lines] == [0, 1, 2]
    assert [line["silos"] for line in lines] == [0, len(SIZES), len(SIZES)]
    assert lines[1]["uplink_bytes"] == lines[2]["uplink_bytes"] > 0
    assert lines[1]["train_loss"] != lines[2]["train_loss"]
    assert any("begins anew" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    ("name", "says"),
    [("TrainsNobody", "asked no silo to train"), ("ReturnsNothing", "returned no model")],
)
def test_a_loop_without_a_model_fails_its_row(name: str, says: str, unequal_corpus: Path, tmp_path: Path) -> None:
    (found,) = run_unequal(unequal_corpus, tmp_path / "run", _row(name), training={"rounds": 1})
    assert found["status"] == "failed"
    assert says in found["failure"]


def test_a_start_that_takes_something_else_is_refused_by_name() -> None:
    with pytest.raises(UserError, match=r"OtherSignature\.start does not take what Flower's does"):
        build_strategy(RowSpec("x", MINE + "OtherSignature"), TrainingSpec(), 7)
