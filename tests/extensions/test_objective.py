from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.learning import learner
from support.running import tiny_table
from support.toy_speech import made_up, small_recogniser

import fedasr
from fedasr.common.errors import UserError
from fedasr.experiment.experiment import Experiment
from fedasr.training.objectives.objective import OBJECTIVES, build_objective

from .conftest import Install

NO_PENALTY = {"penalty": 0.0, "longest_seconds": 1e6}


@pytest.fixture
def objective(install: Install) -> str:
    install("objective.py", OBJECTIVES.group, "cautious", "Cautious")
    return "cautious"


def _rows(folder: Path, grid: str = "process", **choice: Any) -> dict[str, dict[str, Any]]:
    """Run a silo's and the centre's training; the rows' names are the same, for they choose the dice."""
    rows = [{"name": name, "strategy": name, **choice} for name in ("fedavg", "centralised")]
    found = fedasr.run(Experiment.from_table(tiny_table(compare=rows)), out=folder, grid=grid).rows
    assert [row["failure"] for row in found] == [None, None]
    return {row["name"]: row for row in found}


def test_silos_and_the_centre_train_by_it(objective: str, tmp_path: Path) -> None:
    plain = _rows(tmp_path / "plain")
    without = _rows(tmp_path / "without", objective=objective, objective_options=NO_PENALTY)
    cautious = _rows(tmp_path / "cautious", "ray", objective=objective, objective_options={"penalty": 0.5})
    for name in ("fedavg", "centralised"):
        assert without[name]["model_sha256"] == plain[name]["model_sha256"], "nothing is left out and nothing costs"
        assert cautious[name]["model_sha256"] != plain[name]["model_sha256"]
        assert cautious[name]["objective"] == objective


def test_long_utterances_are_left_out_private_and_public_apart(objective: str) -> None:
    found = build_objective(objective, {"longest_seconds": 0.4})
    speech, public = made_up(20), made_up(9, 1, "p")
    learnt = learner(small_recogniser(), speech, public=public, objective=found).learnt
    for part, whole in ((learnt.private, speech), (learnt.public, public)):
        kept = [part.id(place) for place in range(len(part))]
        assert kept == [whole.id(place) for place in range(len(whole)) if whole.frames(place) <= 40]
        assert 0 < len(kept) < len(whole)
        assert part.text(0) == whole.text([whole.id(place) for place in range(len(whole))].index(kept[0]))


@pytest.mark.parametrize(
    ("options", "model", "says"),
    [
        ({"penalty": 0.1}, {"head": "transducer"}, "single frames; set model.head = 'ctc'"),
        ({"longest_seconds": 1e-3}, {}, "finds nothing to learn from"),
    ],
)
def test_a_row_that_it_cannot_train_fails_in_one_line(
    objective: str, options: dict, model: dict, says: str, tmp_path: Path
) -> None:
    row = {"name": "row", "strategy": "fedavg", "objective": objective, "objective_options": options}
    table = tiny_table(compare=[row], model={**model, "start": "scratch"})
    (found,) = fedasr.run(Experiment.from_table(table), out=tmp_path / "run", grid="process").rows
    assert found["status"] == "failed"
    assert says in found["failure"]
    assert "\n" not in found["failure"]


def test_its_options_are_checked_before_anything_is_run(objective: str, tmp_path: Path) -> None:
    row = {"name": "row", "strategy": "fedavg", "objective": objective, "objective_options": {"penalti": 0.1}}
    with pytest.raises(UserError, match=r"compare\.row: unknown key 'objective_options\.penalti'; did you mean"):
        fedasr.run(Experiment.from_table(tiny_table(compare=[row])), out=tmp_path / "run", grid="process")
    assert not (tmp_path / "run").exists()
