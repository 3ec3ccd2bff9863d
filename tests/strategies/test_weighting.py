"""How silos of unlike size count, and in which strategies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import RecordDict
from support.tolerance import rounding
from support.unequal import SIZES, run_unequal

from fedasr.asr.recogniser import Weights
from fedasr.common.files import load_arrays
from fedasr.engine.assembly import silo_host
from fedasr.engine.preparation import Prepared
from fedasr.experiment.row_spec import RowSpec
from fedasr.messages.train_request import TrainRequest
from fedasr.silo.train import train

DEFAULTS = {"fedavg": "utterances", "bmuf": "uniform", "sync-sgd": "uniform", "gtc": "uniform"}
ONE_ROUND = {"rounds": 1}


def _digests(corpus: Path, folder: Path, options: dict[str, Any]) -> dict[str, str]:
    rows = [{"name": name, "strategy": name, "options": options} for name in DEFAULTS]
    found = run_unequal(corpus, folder, *rows, training=ONE_ROUND)
    return {row["name"]: row["model_sha256"] for row in found}


def test_unlike_silos_count_by_default_as_the_strategy_says(unequal_corpus: Path, tmp_path: Path) -> None:
    default = _digests(unequal_corpus, tmp_path / "default", {})
    asked = {
        weighting: _digests(unequal_corpus, tmp_path / weighting, {"weighting": weighting})
        for weighting in ("utterances", "uniform")
    }
    for name, weighting in DEFAULTS.items():
        assert asked["utterances"][name] != asked["uniform"][name]
        assert default[name] == asked[weighting][name], name


def _start_and_model(folder: Path) -> tuple[Weights, Weights]:
    (start,) = (folder / "start").glob("*.safetensors")
    return load_arrays(start)[0], load_arrays(folder / "fedavg" / "model.safetensors")[0]


@pytest.mark.parametrize("weighting", ["utterances", "uniform"])
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
    assert [len(host.silo(number).speech) for number in range(len(SIZES))] == list(SIZES)
    for name, array in model.items():
        stacked = np.stack([arrays[name] for arrays in trained]).astype(np.float64)
        mean = np.average(stacked, axis=0, weights=SIZES if weighting == "utterances" else None)
        np.testing.assert_allclose(array, mean, rtol=0, atol=rounding(1, np.abs(mean).max()), err_msg=name)
