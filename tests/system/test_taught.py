"""Rows that learn what a teacher says: in silos and at the centre, by nobody's transcripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.running import tiny_table
from support.unequal import StoppedError

import fedasr
from fedasr.asr.recogniser import digest
from fedasr.corpora.speech import Speech
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.runs.model_file import load_model
from fedasr.server.progress import Progress

TAUGHT = {"objective": "interleaved", "objective_options": {"top_k": 4}}
ROWS: list[dict[str, Any]] = [
    {"name": "bmuf", "strategy": "bmuf", "options": {"block_momentum": 0.5}, **TAUGHT},
    {"name": "gtc", "strategy": "gtc", "options": {"density": 0.1}, **TAUGHT},
    {"name": "hard", "strategy": "fedavg", "objective": "distilled", "objective_options": {"targets": "greedy"}},
    {"name": "centralised", "strategy": "centralised", **TAUGHT},
    {"name": "apart", "strategy": "centralised", "objective": "interleaved",
     "objective_options": {"top_k": 4, "order": "segregated", "labelled_share": 0.5}},
    {"name": "labelled", "strategy": "fedavg", "objective": "labelled"},
    {"name": "alone", "strategy": "public-only", "options": {"epochs": 2}},
    {"name": "teacher", "strategy": "public-only", "role": "teacher"},
]  # fmt: skip


def _table(**changes: Any) -> dict[str, Any]:
    roles = {"teacher": {"units": 20}}
    return tiny_table(**{"roles": roles, "compare": ROWS, "training": {"silos_per_round": 0}, **changes})


def _run(folder: Path, grid: str = "process", **changes: Any) -> dict[str, dict[str, Any]]:
    rows = fedasr.run(Experiment.from_table(_table(**changes)), out=folder, grid=grid).rows
    assert {row["name"]: row["failure"] for row in rows if row["failure"]} == {}
    return {row["name"]: row for row in rows}


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("taught") / "run"
    return folder, _run(folder)


def _traffic(folder: Path, row: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / row / "traffic.jsonl").read_text().splitlines()]


def test_each_silo_is_sent_the_teacher_once_and_says_how_much_it_said(
    taught: tuple[Path, dict[str, dict[str, Any]]]
) -> None:  # fmt: skip
    folder, rows = taught
    for name in ("bmuf", "gtc", "hard"):
        sent = [line for line in _traffic(folder, name) if line["kind"] == "train.targets"]
        assert len(sent) == 2 * rows[name]["silos"], "there and back"
    assert not [line for line in _traffic(folder, "labelled") if line["kind"] == "train.targets"]


def test_the_row_of_a_role_is_scored_and_kept_in_its_shape(taught: tuple[Path, dict[str, dict[str, Any]]]) -> None:
    folder, rows = taught
    kept = load_model(folder / "teacher" / "model.safetensors")
    assert (kept.spec.encoder.units, digest(kept.weights())) == (20, rows["teacher"]["model_sha256"])
    assert load_model(folder / "alone" / "model.safetensors").spec.encoder.units == 16
    assert rows["teacher"]["wer"] is not None


def test_how_far_a_student_agrees_with_its_teacher_is_told(taught: tuple[Path, dict[str, dict[str, Any]]]) -> None:
    _, rows = taught
    for name in ("bmuf", "gtc", "centralised", "apart", "hard"):
        assert 0 < rows[name]["teacher_agreement"] <= 1
        assert "agrees with its teacher" in rows[name]["note"]
    assert rows["labelled"]["teacher_agreement"] is None


def test_noise_in_the_place_of_silos_transcripts_changes_no_model(
    taught: tuple[Path, dict[str, dict[str, Any]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    folder, rows = taught
    public = set(json.loads((folder / "partition.json").read_text())["public_labelled"]["speakers"])
    scored = {
        speaker for part in ("development", "test")
        for speaker in json.loads((folder / "partition.json").read_text())[part]["speakers"]
    }  # fmt: skip
    text = Speech.text

    def noisy(speech: Speech, index: int) -> str:
        said = text(speech, index)
        return said if speech.utterances[index].speaker in public | scored else "zq jx"

    monkeypatch.setattr(Speech, "text", noisy)
    others = _run(tmp_path / "noisy")
    assert {name: row["model_sha256"] for name, row in others.items()} == {
        name: row["model_sha256"] for name, row in rows.items()
    }


def test_workers_change_no_bit(taught: tuple[Path, dict[str, dict[str, Any]]], tmp_path: Path) -> None:
    _, rows = taught
    on_ray = _run(tmp_path / "ray", "ray")
    assert {name: row["model_sha256"] for name, row in on_ray.items()} == {
        name: row["model_sha256"] for name, row in rows.items()
    }


class Stopping(Watcher):
    """Stops a run after the first round of a row."""

    def __init__(self, row: str) -> None:
        self.row = row

    def round(self, progress: Progress) -> None:
        if (progress.row, progress.round) == (self.row, 1):
            raise StoppedError


@pytest.mark.parametrize("name", ["bmuf", "centralised"])
def test_a_row_that_is_gone_on_with_asks_its_teacher_nothing_again(
    name: str, taught: tuple[Path, dict[str, dict[str, Any]]], tmp_path: Path
) -> None:  # fmt: skip
    alone = Experiment.from_table(_table(compare=[row for row in ROWS if row["name"] == name]))
    with pytest.raises(StoppedError):
        fedasr.run(alone, out=tmp_path / "run", grid="process", watcher=Stopping(name))
    (row,) = fedasr.run(alone, resume=tmp_path / "run", grid="process").rows
    folder, rows = taught
    assert row["model_sha256"] == rows[name]["model_sha256"]
    assert _traffic(tmp_path / "run", name) == _traffic(folder, name)
