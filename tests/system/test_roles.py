"""A teacher and a student may differ in shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.running import tiny_table

import fedasr
from fedasr.common.errors import UserError
from fedasr.common.files import load_arrays
from fedasr.experiment.experiment import Experiment

PATE = {"name": "pate", "strategy": "pate", "options": {"noise": 0.5, "teacher_steps": 2, "maximum_labels": 5}}


def run(out: Path, roles: dict[str, Any], **options: Any) -> dict[str, Any]:
    rows = [{**PATE, "options": {**PATE["options"], **options}}]  # type: ignore[dict-item]
    corpus = {"unlabelled_speakers": 1}
    table = {**tiny_table(compare=rows, corpus=corpus, reproducible_noise=True), "roles": roles}
    (row,) = fedasr.run(Experiment.from_table(table), out=out, grid="process").rows
    assert row["failure"] is None
    return row


@pytest.mark.parametrize("start", ["public", "scratch"])
def test_larger_teachers_teach_a_student_of_the_models_shape(start: str, tmp_path: Path) -> None:
    run(tmp_path / "run", {"teacher": {"units": 24, "layers": 2}}, teacher_start=start)
    student = load_arrays(tmp_path / "run" / "pate" / "model.safetensors")[1]["recogniser"]["encoder"]
    assert (student["layers"], student["units"]) == (1, 16)
    made = tmp_path / "run" / "start" / "seed-5.teacher.safetensors"
    assert made.exists() == (start == "public")
    if start == "public":
        teacher = load_arrays(made)[1]["recogniser"]["encoder"]
        assert (teacher["layers"], teacher["units"]) == (2, 24)


def test_a_role_of_the_models_own_shape_changes_nothing(tmp_path: Path) -> None:
    digests = {run(tmp_path / name, roles)["model_sha256"] for name, roles in (("a", {}), ("b", {"teacher": {}}))}
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("role", "says"), [({"units": 0}, "roles.teacher.units"), ({"mels": 8}, "may not differ"), ({"unit": 8}, "units")]
)
def test_a_role_that_cannot_be_is_refused(role: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        Experiment.from_table({**tiny_table(), "roles": {"teacher": role}})
