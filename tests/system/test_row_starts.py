"""A row may begin where another row ended: its model, its silos' states, its debts; to the bit after a stop."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from support.running import tiny_table

import fedasr
from fedasr.common.errors import UserError
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.runs.folder import Run
from fedasr.server.progress import Progress

KEPT = {
    "strategy": "bmuf", "options": {"block_momentum": 0.5, "local_optimizer": "keep"},
    "training": {"optimizer": "adamw", "learning_rate": 1e-3, "silos_per_round": 0},
}  # fmt: skip
PRIVATE = {"strategy": "dp-fedavg", "options": {"noise_multiplier": 2.0}}


def experiment(*rows: dict[str, Any]) -> Experiment:
    return Experiment.from_table(tiny_table(compare=list(rows)))


def run(found: Experiment, out: Path, **options: Any) -> dict[str, dict[str, Any]]:
    where = {"out": out} if "resume" not in options else {}
    return {row["name"]: row for row in fedasr.run(found, grid="process", **where, **options).rows}


class Stopping(Watcher):
    """Stops the run after a round of a row."""

    def __init__(self, row: str) -> None:
        self.row = row

    def round(self, progress: Progress) -> None:
        if (progress.row, progress.round) == (self.row, 2):
            raise KeyboardInterrupt


def test_a_row_goes_on_from_another_and_is_resumed_to_the_bit(tmp_path: Path) -> None:
    child = {"name": "child", "start": "row:base", **KEPT}
    found = experiment({"name": "base", **KEPT}, {**child, "training": {**KEPT["training"], "rounds": 3}})
    whole = run(found, tmp_path / "whole")
    assert whole["child"]["lineage"] == ("base",)
    assert "base" in whole["child"]["note"]
    rounds = Run.open(tmp_path / "whole").row(found.compare[1], 5).rounds()
    assert (
        rounds[0].development_loss
        == Run.open(tmp_path / "whole").row(found.compare[0], 5).rounds()[-1].development_loss
    )
    with pytest.raises(KeyboardInterrupt):
        run(found, tmp_path / "stopped", watcher=Stopping("child"))
    again = run(found, tmp_path / "stopped", resume=tmp_path / "stopped")
    assert {name: row["model_sha256"] for name, row in again.items()} == {
        name: row["model_sha256"] for name, row in whole.items()
    }


def test_what_silos_kept_goes_with_it(tmp_path: Path) -> None:
    found = experiment({"name": "base", **KEPT}, {"name": "child", "start": "row:base", **KEPT})
    first = run(found, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "child")
    shutil.rmtree(tmp_path / "run" / "base" / "kept")
    without = run(found, tmp_path / "run", resume=tmp_path / "run")
    assert without["child"]["model_sha256"] != first["child"]["model_sha256"]


def test_a_private_models_debts_are_the_childs(tmp_path: Path) -> None:
    found = experiment(
        {"name": "private", **PRIVATE}, {"name": "more", "start": "row:private", **PRIVATE},
        {"name": "still-more", "start": "row:more", **PRIVATE},
        {"name": "open", "start": "row:private", "strategy": "fedavg"},
    )  # fmt: skip
    rows = run(found, tmp_path / "run")
    assert [row["failure"] for row in rows.values()] == [None] * 4
    spent = [rows[name]["epsilon"] for name in ("private", "more", "still-more")]
    assert spent[0] < spent[1] < spent[2]
    twice = experiment({"name": "private", **PRIVATE, "training": {"rounds": 4}})
    assert spent[1] == pytest.approx(run(twice, tmp_path / "twice")["private"]["epsilon"])
    assert rows["more"]["epsilon_before"] == pytest.approx(spent[0])
    assert rows["open"]["epsilon"] is None
    assert rows["open"]["epsilon_before"] == pytest.approx(spent[0])


def test_nobody_promises_after_a_row_that_promised_nothing(tmp_path: Path) -> None:
    found = experiment(
        {"name": "open", "strategy": "fedavg"}, {"name": "late", "start": "row:open", **PRIVATE},
        {"name": "later", "start": "row:late", "strategy": "fedavg"},
        {"name": "public", "strategy": "public-only"}, {"name": "fine", "start": "row:public", **PRIVATE},
    )  # fmt: skip
    rows = run(found, tmp_path / "run")
    assert "'open', which promises nothing" in rows["late"]["failure"]
    assert "'late' that it begins from did not finish" in rows["later"]["failure"]
    assert rows["fine"]["failure"] is None
    assert rows["fine"]["epsilon"] is not None


@pytest.mark.parametrize(
    ("start", "says"), [("row:late", "stands after it"), ("row:bse", "did you mean 'base'"), ("base", "'row:'")]
)
def test_a_start_that_cannot_be_is_refused(start: str, says: str) -> None:
    rows = [{"name": name, "strategy": "fedavg"} for name in ("base", "early", "late")]
    rows[1]["start"] = start
    with pytest.raises(UserError, match=says):
        experiment(*rows)


def test_a_row_begins_from_the_scored_model_of_one_that_learnt_from_a_teacher(tmp_path: Path) -> None:
    base = {"name": "base", "strategy": "fedavg", "objective": "distilled", "objective_options": {"top_k": 4}}
    child = {"name": "child", "strategy": "fedavg", "objective": "labelled", "start": "row:base"}
    table = tiny_table(compare=[base, child], scored="mean", training={"rounds": 4, "silos_per_round": 0})
    found = Experiment.from_table(table)
    run(found, tmp_path / "run")
    folder = Run.open(tmp_path / "run").row(found.compare[0], 5)
    assert not folder.last.exists(), "what a teacher said belongs to no iterate"
    assert not any(folder.kept_states())


@pytest.mark.parametrize("roles", [("", "teacher"), ("teacher", "")])
def test_a_row_begins_from_no_recogniser_of_another_shape(roles: tuple[str, str]) -> None:
    rows = [
        {"name": "base", "strategy": "fedavg", "role": roles[0]},
        {"name": "child", "strategy": "fedavg", "role": roles[1], "start": "row:base"},
    ]
    with pytest.raises(UserError, match=r"'compare.child.start' is 'row:base', .* another shape"):
        Experiment.from_table(tiny_table(compare=rows, roles={"teacher": {"units": 20}}))
    assert Experiment.from_table(tiny_table(compare=rows, roles={"teacher": {}})).compare[1].parent == "base"
