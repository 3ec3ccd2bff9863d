"""An algorithm of both halves, from outside the tree: its state, its messages and its bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import RecordDict
from support.running import tiny_table

import fedasr
from fedasr.asr.recogniser import Recogniser
from fedasr.engine.assembly import silo_host
from fedasr.engine.preparation import Prepared
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.strategy_options import STRATEGIES
from fedasr.messages.records import arrays_of
from fedasr.messages.train_request import TrainRequest
from fedasr.runs.model_file import load_model
from fedasr.silo.train import train
from fedasr.silo.work import Work

from .conftest import Install


@pytest.fixture
def algorithm(install: Install) -> str:
    install("algorithm.py", STRATEGIES.group, "elastic", "Elastic")
    return "elastic"


def run(folder: Path, strategy: str, grid: str = "process", **row: Any) -> dict[str, Any]:
    table = tiny_table(compare=[{"name": "row", "strategy": strategy, **row}])
    (found,) = fedasr.run(Experiment.from_table(table), out=folder, grid=grid).rows
    assert (found["failure"], found["refused_replies"]) == (None, 0)
    return found


def test_without_elasticity_the_centre_never_moves(algorithm: str, tmp_path: Path) -> None:
    run(tmp_path / "still", algorithm, options={"elasticity": 0.0})
    run(tmp_path / "moved", algorithm)
    places = ("still/start/seed-5.safetensors", "still/row", "moved/row")
    start, still, moved = (load_model(tmp_path / place).weights() for place in places)
    assert all(np.array_equal(still[name], start[name]) for name in start)
    assert any(not np.array_equal(moved[name], start[name]) for name in start)


def test_a_silo_goes_on_with_its_own_model(algorithm: str, prepared: Prepared) -> None:
    client = STRATEGIES.find(algorithm)().client
    host = silo_host(prepared, RowSpec("row", algorithm), 5)
    silo, state, own = host.silo(1), RecordDict(), Recogniser(prepared.recogniser_spec, prepared.tokens).weights()
    sent = {name: array + np.float32(0.01) for name, array in own.items()}
    for round, begun in ((1, sent), (2, None)):
        trained = train(host, silo, TrainRequest(begun or own, round), RecordDict()).arrays
        reply = client.pull(
            Work(host, silo, client.kinds()["train.pull"], round, state), TrainRequest(sent, round).to_record()
        )
        change, own = arrays_of(reply.array_records["change"]), arrays_of(state.array_records["own model"])
        for name in sent:
            np.testing.assert_array_equal(change[name], np.float32(0.5) * (trained[name] - sent[name]))
            np.testing.assert_array_equal(own[name], trained[name] - change[name])


def test_the_grid_changes_no_bit(algorithm: str, tmp_path: Path) -> None:
    here, on_ray = (run(tmp_path / grid, algorithm, grid) for grid in ("process", "ray"))
    assert here["model_sha256"] == on_ray["model_sha256"]


@pytest.mark.parametrize("codec", ["fp16", "top-k"])
def test_what_it_sends_travels_by_any_codec(algorithm: str, codec: str, tmp_path: Path) -> None:
    plain, coded = run(tmp_path / "plain", algorithm), run(tmp_path / "coded", algorithm, codec=codec)
    assert coded["uplink_bytes"] < 0.6 * plain["uplink_bytes"]
