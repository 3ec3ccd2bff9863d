"""Runs whose speech is heard at three speeds: by the command line, on any workers, resumed, opened again, on nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from support.nodes import NodesHere
from support.running import tiny_table
from support.unequal import run_unequal, stopped

import fedasr
from fedasr.asr.augment import AugmentSpec
from fedasr.common.files import read_lines
from fedasr.corpora.features.tabulate import INDEX
from fedasr.engine.conformity.case import Case
from fedasr.engine.conformity.super_nodes import SILOS, split_between_nodes
from fedasr.engine.introduced import NODE
from fedasr.evaluate import app as evaluate
from fedasr.grid.flower.flower_grid import FlowerWorkers
from fedasr.messages.kinds import OWN
from fedasr.replay import app as replay
from fedasr.simulate import app as simulate

SPEEDS = {"speeds": [0.9, 1.0, 1.1]}
ROWS = [
    {"name": "fedavg", "strategy": "fedavg"},
    {"name": "centralised", "strategy": "centralised", "options": {"evaluate_every": 1}},
]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("speeds") / "speeds.toml"
    path.write_text(tomli_w.dumps(tiny_table(augment=SPEEDS, compare=ROWS, corpus={"held_out": 0.34})))
    return path


@pytest.fixture(scope="module")
def whole(file: Path) -> Path:
    return _run(file, file.parent / "whole", "--grid", "process")


def _run(file: Path, out: Path, *more: str) -> Path:
    place = ["--resume", out] if out.exists() else ["--out", out]
    simulate(list(map(str, [file, *place, *more])), standalone_mode=False)
    return out


def _digests(run: Path) -> list[str]:
    return [row["model_sha256"] for row in json.loads((run / "summary.json").read_text())["rows"]]


def test_a_run_goes_on_to_the_same_models(file: Path, whole: Path, tmp_path: Path) -> None:
    for _ in ROWS:
        with stopped(1, is_saved=True):
            _run(file, tmp_path / "run", "--grid", "process")
    _run(file, tmp_path / "run", "--grid", "process")
    assert _digests(tmp_path / "run") == _digests(whole)


def test_the_number_of_workers_changes_no_bit(file: Path, whole: Path, tmp_path: Path) -> None:
    assert _digests(_run(file, tmp_path / "run", "--workers", "2")) == _digests(whole)


def test_speeds_make_other_models_and_move_more_bytes_of_the_same_speech(
    file: Path, whole: Path, tmp_path: Path
) -> None:
    plain = _run(file, tmp_path / "plain", "--grid", "process", "--set", "augment.speeds=[]")
    assert set(_digests(plain)).isdisjoint(_digests(whole))
    assert (plain / "partition.json").read_text() == (whole / "partition.json").read_text()
    rows = [json.loads((run / "summary.json").read_text())["rows"] for run in (plain, whole)]
    assert [row["utterances"] for row in rows[0]] == [row["utterances"] for row in rows[1]]
    sent = [[line["audio_seconds"] for line in _up(run, "fedavg")] for run in (plain, whole)]
    assert sent[0] == sent[1]
    before, after = (sum(line["blob_bytes"] for line in _up(run, "centralised")) for run in (plain, whole))
    # The features once more at speeds 0.9 and 1.1, as long as 1 / 0.9 and 1 / 1.1, in frames of 10 ms.
    assert after / before == pytest.approx(1 + 1 / 0.9 + 1 / 1.1, rel=0.01)


def _up(run: Path, row: str) -> list[dict[str, Any]]:
    return [line for line in read_lines(run / row / "traffic.jsonl") if line["direction"] == "up"]


def test_what_is_opened_again_is_the_runs_speech(whole: Path, capfd: pytest.CaptureFixture[str]) -> None:
    evaluate([str(whole / "fedavg"), "--json"], standalone_mode=False)
    found = json.loads(capfd.readouterr().out)
    row = json.loads((whole / "summary.json").read_text())["rows"][0]
    assert found["wer"] == row["wer"]
    replay([str(whole), "--json"], standalone_mode=False)
    assert [row["name"] for row in json.loads(capfd.readouterr().out)["rows"]] == ["fedavg", "centralised"]


def test_gradients_of_one_example_teachers_and_students_hear_speeds(unequal_corpus: Path, tmp_path: Path) -> None:
    rows = [
        {
            "name": "dp-sgd", "strategy": "fedavg", "protection": "dp-sgd",
            "protection_options": {"noise_multiplier": 0.5, "batch_size": 2},
        },
        {"name": "pate", "strategy": "pate", "options": {
            "noise": 0.5, "epsilon": 5000.0, "teacher_steps": 2, "maximum_labels": 6}},
        {"name": "local-only", "strategy": "local-only", "options": {"steps": 2}},
    ]  # fmt: skip
    found = [
        run_unequal(unequal_corpus, tmp_path / name, *rows, augment=augment, reproducible_noise=True)
        for name, augment in (("plain", {}), ("sped", SPEEDS))
    ]
    for plain, sped in zip(*found, strict=True):
        assert plain["failure"] is sped["failure"] is None
        assert plain["model_sha256"] != sped["model_sha256"]
        assert plain["epsilon"] == sped["epsilon"]


@pytest.mark.parametrize("strategy", ["fedavg", "centralised", "pate"])
def test_nodes_make_copies_of_their_own_speech(strategy: str, tmp_path: Path) -> None:
    case = Case((strategy,), {"noise": 1.0, "maximum_labels": 3} if strategy == "pate" else {}, is_private=False)
    experiment = case.experiment(tmp_path, SILOS, is_whole=True, is_scored=False)
    experiment = experiment.only(augment=AugmentSpec(speeds=(0.9, 1.0, 1.1)))
    (simulated,) = fedasr.run(experiment, out=tmp_path / "simulated", grid="process").rows
    served, data = split_between_nodes(experiment, tmp_path / "parts")
    nodes = NodesHere([{"partition-id": n, "data": str(part), "allow": ",".join(OWN)} for n, part in enumerate(data)])
    (row,) = fedasr.run(served, out=tmp_path / "run", grid=FlowerWorkers(nodes, 1.0)).rows
    assert row["failure"] is None
    assert row["model_sha256"] == simulated["model_sha256"]
    folders = [Path(str(context.state[NODE]["folder"])) for context in nodes.contexts.values()]
    lines = [read_lines(folder / INDEX) for folder in folders]
    # A fifth of five utterances is held out, and nothing of three.
    assert [len(rows) for rows in lines] == [5 + 2 * 4, 3 + 2 * 3]
