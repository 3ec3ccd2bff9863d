"""A recogniser whose parts compute in float64 is trained, summed, stepped, saved and resumed in float64."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.doubles import DOUBLE
from support.running import tiny_table
from support.unequal import run_unequal, stopped, write_corpus

import fedasr
from fedasr.common.files import load_arrays
from fedasr.experiment.experiment import Experiment

FLOWER = "flwr.serverapp.strategy:"
ROWS: list[dict[str, Any]] = [
    {"name": "nesterov", "strategy": "fedavgm", "options": {"momentum": 0.5, "nesterov": True}},
    {"name": "adam", "strategy": "fedopt", "options": {"server_optimizer": "adam", "server_learning_rate": 0.01}},
    {"name": "median", "strategy": FLOWER + "FedMedian"},
    {"name": "sync-sgd", "strategy": "sync-sgd", "options": {"accumulate": 2}, "training": {"momentum": 0.5}},
    {"name": "noisy-silos", "strategy": "dp-fedavg", "options": {"noise_multiplier": 1.0}},
    {"name": "noisy-steps", "strategy": "centralised", "protection": "dp-sgd",
     "protection_options": {"noise_multiplier": 1.0, "batch_size": 2, "steps": 2}},
]  # fmt: skip


def run(folder: Path, rows: list[dict[str, Any]], **model: str) -> list[dict[str, Any]]:
    return fedasr.run(Experiment.from_table(tiny_table(compare=rows, model=model)), out=folder, grid="process").rows


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_arrays(folder / "model.safetensors")[0]


def test_every_kind_of_row_ends_with_numbers_that_float32_has_not(tmp_path: Path) -> None:
    found = run(tmp_path / "run", ROWS, **DOUBLE)
    assert {row["name"]: row["failure"] for row in found} == dict.fromkeys(row["name"] for row in ROWS)
    for row in ROWS:
        for name, array in weights(tmp_path / "run" / row["name"]).items():
            assert array.dtype == np.float64, (row["name"], name)
            assert (array != array.astype(np.float32)).any(), (row["name"], name)


def test_a_part_alone_may_compute_so_and_the_other_keeps_its_type(tmp_path: Path) -> None:
    for part in DOUBLE:
        run(tmp_path / part, ROWS[:1], **{part: DOUBLE[part]})
        for name, array in weights(tmp_path / part / "nesterov").items():
            is_double = name.startswith("encoder") == (part == "encoder")
            assert array.dtype == (np.float64 if is_double else np.float32)


def test_a_row_goes_on_in_float64(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    corpus = write_corpus(tmp_path / "corpus")
    (whole,) = run_unequal(corpus, tmp_path / "whole", ROWS[0], model=DOUBLE)
    with stopped(1, is_saved=True):
        run_unequal(corpus, tmp_path / "cut", ROWS[0], model=DOUBLE)
    (resumed,) = run_unequal(corpus, tmp_path / "cut", ROWS[0], model=DOUBLE)
    assert resumed["model_sha256"] == whole["model_sha256"]


@pytest.mark.parametrize("row", [{"strategy": "gtc"}, {"strategy": "fedavg", "codec": "top-k"}])
def test_a_codec_of_float32_is_refused_before_anything_is_trained(tmp_path: Path, row: dict[str, Any]) -> None:
    (found,) = run(tmp_path / "run", [{"name": "row", **row}], head=DOUBLE["head"])
    assert "'ctc.output.bias' is float64" in found["failure"]
    assert found["uplink_bytes"] == found["downlink_bytes"] == 0


def test_a_strategy_that_makes_a_wider_model_is_said_to_send_more(unequal_corpus: Path, tmp_path: Path) -> None:
    rows = [
        {"name": name, "strategy": f"flwr.serverapp.strategy:{name}"} for name in ("FedAvg", "FedAdam", "FedMedian")
    ]
    found = {row["name"]: row for row in run_unequal(unequal_corpus, tmp_path / "run", *rows, training={"rounds": 2})}
    assert found["FedAvg"]["note"] is None
    assert found["FedAdam"]["note"] == "the strategy's model is float64: it goes to the silos in 2 times the bytes"
    assert found["FedAdam"]["downlink_bytes"] > 1.4 * found["FedAvg"]["downlink_bytes"]
    wide = found["FedMedian"]["downlink_bytes"] > 1.4 * found["FedAvg"]["downlink_bytes"]
    assert bool(found["FedMedian"]["note"]) == wide
