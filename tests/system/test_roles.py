"""A teacher and a student may differ in shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.running import tiny_table

import fedasr
from fedasr.asr.features import stacked_length
from fedasr.common.errors import UserError
from fedasr.common.files import load_arrays
from fedasr.engine.preparation import prepare_experiment
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment

OPTIONS = {"noise": 0.5, "teacher_steps": 2, "maximum_labels": 5}


def table(roles: dict[str, Any], options: dict[str, Any] = OPTIONS, **changes: Any) -> dict[str, Any]:
    rows = [{"name": "pate", "strategy": "pate", "options": options}]
    corpus = {"unlabelled_speakers": 1}
    return {**tiny_table(compare=rows, corpus=corpus, reproducible_noise=True, **changes), "roles": roles}


def run(out: Path, experiment: dict[str, Any]) -> dict[str, Any]:
    (row,) = fedasr.run(Experiment.from_table(experiment), out=out, grid="process").rows
    assert row["failure"] is None
    return row


@pytest.mark.parametrize("start", ["public", "scratch"])
def test_larger_teachers_teach_a_student_of_the_models_shape(start: str, tmp_path: Path) -> None:
    run(tmp_path / "run", table({"teacher": {"units": 24, "layers": 2}}, {**OPTIONS, "teacher_start": start}))
    student = load_arrays(tmp_path / "run" / "pate" / "model.safetensors")[1]["recogniser"]["encoder"]
    assert (student["layers"], student["units"]) == (1, 16)
    made = tmp_path / "run" / "start" / "seed-5.teacher.safetensors"
    assert made.exists() == (start == "public")
    if start == "public":
        teacher = load_arrays(made)[1]["recogniser"]["encoder"]
        assert (teacher["layers"], teacher["units"]) == (2, 24)


@pytest.mark.parametrize(("teacher", "student"), [("stacked", "convolutional"), ("convolutional", "stacked")])
def test_frames_are_voted_on_as_teachers_hear_them(teacher: str, student: str, tmp_path: Path) -> None:
    options = {"noise": 0.5, "teacher_steps": 2, "votes": "frame", "epsilon": 1e6}
    asked = table({"teacher": {"subsampling": teacher}}, options, model={"subsampling": student})
    run(tmp_path / "run", asked)
    assert load_arrays(tmp_path / "run/pate/model.safetensors")[1]["recogniser"]["subsampling"] == student
    speech = prepare_experiment(Experiment.from_table(asked), 1, Watcher()).part("public_unlabelled")
    frames = {"stacked": 3, "convolutional": 4}[teacher]
    votes = [load_arrays(path)[0]["votes"] for path in (tmp_path / "run/pate/seen").glob("votes*.safetensors")]
    assert len(np.concatenate(votes)) == sum(stacked_length(speech.frames(n), frames) for n in range(len(speech)))


def test_a_role_of_the_models_own_shape_changes_nothing(tmp_path: Path) -> None:
    digests = {
        run(tmp_path / name, table(roles))["model_sha256"] for name, roles in (("a", {}), ("b", {"teacher": {}}))
    }
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("role", "says"), [({"units": 0}, "roles.teacher.units"), ({"mels": 8}, "may not differ"), ({"unit": 8}, "units")]
)
def test_a_role_that_cannot_be_is_refused(role: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        Experiment.from_table({**tiny_table(), "roles": {"teacher": role}})
