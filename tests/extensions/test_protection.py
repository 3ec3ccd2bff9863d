from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.examples import norm
from support.learning import dice, learner
from support.running import tiny_table
from support.toy_speech import made_up, small_recogniser

import fedasr
from fedasr.common.files import load_arrays
from fedasr.experiment.experiment import Experiment
from fedasr.protection.none import Unprotected
from fedasr.protection.protection import PROTECTIONS, build_protection
from fedasr.runs.folder import Run

from .conftest import Install


@pytest.fixture
def protection(install: Install) -> str:
    install("protection.py", PROTECTIONS.group, "normalised", "Normalised")
    return "normalised"


def _rows(folder: Path, protection: str, length: float, grid: str = "process") -> dict[str, dict[str, Any]]:
    choice = {"protection": protection, "protection_options": {"length": length}}
    rows = [{"name": name, "strategy": name, **choice} for name in ("fedavg", "centralised")]
    table = tiny_table(compare=rows, training={"momentum": 0.0}, central={"weight_decay": 0.0})
    found = fedasr.run(Experiment.from_table(table), out=folder, grid=grid).rows
    assert [row["failure"] for row in found] == [None, None]
    return {row["name"]: row for row in found}


def test_gradients_have_one_length(protection: str) -> None:
    def first(plan: Any) -> list[torch.Tensor]:
        return next(plan.plan(6, 0, 1).gradients(learner(small_recogniser(), made_up(6)), dice(2))).gradient

    plain, found = first(Unprotected()), first(build_protection(protection, {"length": 0.01}))
    assert norm(found) == pytest.approx(0.01, rel=1e-5)
    for part, expected in zip(found, plain, strict=True):
        torch.testing.assert_close(part, expected * (0.01 / norm(plain)), rtol=1e-4, atol=1e-9)


def test_rows_are_normalised_on_both_grids_and_promise_nothing(protection: str, tmp_path: Path) -> None:
    rows = _rows(tmp_path / "run", protection, 1e-6)
    for name, row in rows.items():
        assert row["protection"] == protection
        assert (row["epsilon"], row["privacy_unit"], row["epsilon_kind"]) == (None, None, None)
        assert not list((tmp_path / "run" / name).glob("releases/*"))
    start = load_arrays(Run.open(tmp_path / "run").start_path(5))[0]
    model = load_arrays(tmp_path / "run" / "fedavg" / "model.safetensors")[0]
    moved = sum(float(((model[name] - start[name]).astype(np.float64) ** 2).sum()) for name in start) ** 0.5
    assert 0 < moved <= 2 * 0.05 * 1e-6 * 1.1, "two rounds of one step at a rate of 0.05"
    again = _rows(tmp_path / "ray", protection, 1e-6, "ray")
    assert {n: r["model_sha256"] for n, r in again.items()} == {n: r["model_sha256"] for n, r in rows.items()}
