"""Algorithms of both halves in whole runs: what travels, what a kill and a grid may not change, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.running import Refused
from support.unequal import run_unequal, stopped
from support.watched import failing

from fedasr.common.files import load_arrays, read_lines
from fedasr.engine.assembly import silo_host
from fedasr.engine.preparation import Prepared
from fedasr.experiment.row_spec import RowSpec
from fedasr.protection.gradient_plan import GradientPlan

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "fedprox": {}, "scaffold": {}, "fednova": {"proximal": 0.1}, "feddyn": {}, "ditto": {},
    "fedper": {"own_layers": ["ctc.*"]},
}  # fmt: skip
TRAINING = {"rounds": 3, "silos_per_round": 3, "momentum": 0.5}


def rows(*names: str, **changes: Any) -> list[dict[str, Any]]:
    return [{"name": name, "strategy": name, "options": OPTIONS.get(name, {}), **changes} for name in names]


@pytest.fixture(scope="module")
def plain(unequal_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Run all of them, and averaging, in this process."""
    folder = tmp_path_factory.mktemp("plain") / "run"
    found = run_unequal(unequal_corpus, folder, *rows("fedavg", *OPTIONS), training=TRAINING)
    assert {row["name"]: row["failure"] for row in found} == dict.fromkeys(["fedavg", *OPTIONS])
    return {row["name"]: {**row, "path": folder / row["folder"]} for row in found}


def test_the_grid_changes_no_bit(plain: dict[str, Any], unequal_corpus: Path, tmp_path: Path) -> None:
    names = ("scaffold", "ditto", "fedper")
    found = run_unequal(unequal_corpus, tmp_path / "run", *rows(*names), grid="ray", training=TRAINING)
    assert {row["name"]: row["model_sha256"] for row in found} == {n: plain[n]["model_sha256"] for n in names}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_kill_changes_no_bit(name: str, plain: dict[str, Any], unequal_corpus: Path, tmp_path: Path) -> None:
    with stopped(2, is_saved=True):
        run_unequal(unequal_corpus, tmp_path / "run", *rows(name), training=TRAINING)
    (found,) = run_unequal(unequal_corpus, tmp_path / "run", *rows(name), training=TRAINING)
    for key in ("model_sha256", "uplink_bytes", "downlink_bytes", "wer"):
        assert found[key] == plain[name][key], key


def _sizes(row: Mapping[str, Any], direction: str) -> set[int]:
    sent = read_lines(row["path"] / "traffic.jsonl")
    return {line["blob_bytes"] for line in sent if line["direction"] == direction and line["round"] == 1}


@pytest.mark.parametrize("direction", ["up", "down"])
def test_control_variates_are_counted_as_the_model_is(plain: dict[str, Any], direction: str) -> None:
    (model,), (both,) = _sizes(plain["fedavg"], direction), _sizes(plain["scaffold"], direction)
    assert both == pytest.approx(2 * model, rel=0.01)
    total = {name: plain[name][f"{direction}link_bytes"] for name in ("fedavg", "scaffold")}
    assert total["scaffold"] > 1.9 * total["fedavg"]


@pytest.mark.parametrize("direction", ["up", "down"])
def test_own_layers_never_travel(plain: dict[str, Any], direction: str) -> None:
    model = load_arrays(plain["fedavg"]["path"] / "model.safetensors")[0]
    own = sum(array.nbytes for name, array in model.items() if name.startswith("ctc."))
    (whole,), (common,) = _sizes(plain["fedavg"], direction), _sizes(plain["fedper"], direction)
    assert own <= whole - common < 1.2 * own
    assert plain["fedper"][f"{direction}link_bytes"] < plain["fedavg"][f"{direction}link_bytes"]


@pytest.mark.parametrize("name", ["ditto", "fedper"])
def test_own_models_are_scored_as_those_of_silos_that_train_alone(name: str, plain: dict[str, Any]) -> None:
    row = plain[name]
    scores = json.loads((row["path"] / "silos.json").read_text())
    assert scores["on"] == "test"
    assert [silo["silo"] for silo in scores["silos"]] == [0, 1, 2, 3]
    assert list(row["wer_spread"]) == [min(s["wer"] for s in scores["silos"]), max(s["wer"] for s in scores["silos"])]
    assert not (row["path"] / "model.safetensors").exists()


def test_a_silo_that_fails_has_no_part_in_what_is_remembered(unequal_corpus: Path, tmp_path: Path) -> None:
    training = {**TRAINING, "silos_per_round": 0}
    grid = failing("train", 1)
    found = run_unequal(unequal_corpus, tmp_path / "run", *rows(*OPTIONS), grid=grid, training=training)
    for row in found:
        assert row["failure"] is None
        assert row["refused_replies"] == TRAINING["rounds"]


@pytest.mark.parametrize("name", ["scaffold", "fednova", "feddyn"])
def test_adamw_is_refused_before_any_training(name: str, write_toml: Callable[..., Path], refused: Refused) -> None:
    path = write_toml(compare=rows(name, training={"optimizer": "adamw"}))
    assert "'adamw'" in (line := refused(path))
    assert "set 'sgd'" in line
    assert f"compare.{name}" in line


@pytest.mark.parametrize("codec", ["fp16", "top-k"])
def test_they_travel_by_any_codec(codec: str, plain: dict[str, Any], unequal_corpus: Path, tmp_path: Path) -> None:
    found = run_unequal(unequal_corpus, tmp_path / "run", *rows(*OPTIONS, codec=codec), training=TRAINING)
    for row in found:
        assert (row["failure"], row["refused_replies"]) == (None, 0)
        assert row["uplink_bytes"] < 0.6 * plain[row["name"]]["uplink_bytes"]


def test_noise_is_planned_for_all_training_of_a_silo(unequal: Prepared) -> None:
    """Ditto trains twice for each message: noise that were planned for half of it would miss the ε that was asked."""

    def planned(strategy: str, steps: int) -> GradientPlan:
        training = {"rounds": 3, "local_steps": steps}
        return silo_host(unequal, RowSpec("row", strategy, protection="dp-sgd", training=training), 4).plan

    assert planned("ditto", 2) == planned("fedavg", 4)
    assert planned("ditto", 2) != planned("fedavg", 2)
