"""How silos of unlike size count, and in which strategies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import ConfigRecord, RecordDict
from support.tolerance import rounding
from support.unequal import SIZES, run_unequal

from fedasr.asr.recogniser import Weights
from fedasr.common.files import load_arrays
from fedasr.engine.assembly import silo_host
from fedasr.engine.preparation import Prepared
from fedasr.experiment.row_spec import RowSpec
from fedasr.grid.in_process import InProcess
from fedasr.messages.records import array_record
from fedasr.messages.train_reply import SPEECH_SECONDS
from fedasr.messages.train_request import TrainRequest
from fedasr.server.strategies_by_name import build_strategy
from fedasr.silo.app import SILO, SiloApp
from fedasr.silo.train import train

DEFAULTS = {"fedavg": "utterances", "bmuf": "uniform", "sync-sgd": "uniform", "gtc": "uniform"}
ONE_ROUND = {"rounds": 1}


def _digests(corpus: Path, folder: Path, options: dict[str, Any]) -> dict[str, str]:
    own = {"bmuf": {"block_momentum": 0.5}}
    rows = [{"name": name, "strategy": name, "options": {**own.get(name, {}), **options}} for name in DEFAULTS]
    found = run_unequal(corpus, folder, *rows, training=ONE_ROUND)
    return {row["name"]: row["model_sha256"] for row in found}


def test_unlike_silos_count_by_default_as_the_strategy_says(unequal_corpus: Path, tmp_path: Path) -> None:
    default = _digests(unequal_corpus, tmp_path / "default", {})
    asked = {
        weighting: _digests(unequal_corpus, tmp_path / weighting, {"weighting": weighting})
        for weighting in ("utterances", "uniform", "seconds")
    }
    for name, weighting in DEFAULTS.items():
        assert len({digests[name] for digests in asked.values()}) == 3
        assert default[name] == asked[weighting][name], name


def _start_and_model(folder: Path) -> tuple[Weights, Weights]:
    (start,) = (folder / "start").glob("*.safetensors")
    return load_arrays(start)[0], load_arrays(folder / "fedavg" / "model.safetensors")[0]


@pytest.mark.parametrize("weighting", ["utterances", "uniform", "seconds"])
def test_the_model_is_the_weighted_mean_of_what_each_silo_trains(
    weighting: str, unequal: Prepared, unequal_corpus: Path, tmp_path: Path
) -> None:
    options = {"weighting": weighting}
    (row,) = run_unequal(
        unequal_corpus, tmp_path / "run", {"name": "fedavg", "strategy": "fedavg", "options": options},
        training=ONE_ROUND,
    )  # fmt: skip
    assert row["status"] == "finished", row["failure"]
    start, model = _start_and_model(tmp_path / "run")
    host = silo_host(unequal, RowSpec("fedavg", "fedavg", training=ONE_ROUND), unequal.experiment.seed)
    request = TrainRequest(dict(sorted(start.items())), 1)
    trained = [train(host, host.silo(number), request, RecordDict()).arrays for number in range(len(SIZES))]
    silos = [host.silo(number).speech for number in range(len(SIZES))]
    assert [len(speech) for speech in silos] == list(SIZES)
    counts = {"utterances": SIZES, "uniform": None, "seconds": [speech.seconds for speech in silos]}
    for name, array in model.items():
        stacked = np.stack([arrays[name] for arrays in trained]).astype(np.float64)
        mean = np.average(stacked, axis=0, weights=counts[weighting])
        np.testing.assert_allclose(array, mean, rtol=0, atol=rounding(1, np.abs(mean).max()), err_msg=name)


@pytest.mark.parametrize("name", ["fedavg", "fedavgm", "sync-sgd"])
def test_only_a_row_that_counts_by_seconds_is_told_them(name: str, unequal: Prepared) -> None:
    host = silo_host(unequal, RowSpec("row", "fedavg"), 4)
    nodes = {silo: {SILO: silo} for silo in range(len(SIZES))}
    start = array_record(host.recogniser.weights())
    for weighting, told in (("utterances", set()), ("uniform", set()), ("seconds", {SPEECH_SECONDS})):
        grid = InProcess().open_grid(SiloApp(host), nodes, host.streams)
        strategy = build_strategy(RowSpec("row", name, options={"weighting": weighting}), host.training, len(SIZES))
        replies = grid.send_and_receive(strategy.configure_train(1, start, ConfigRecord(), grid))
        for reply in replies:
            metrics = set(reply.content.metric_records["metrics"])
            assert metrics == {"num-examples", "uniform", "loss", "audio-seconds", *told}
