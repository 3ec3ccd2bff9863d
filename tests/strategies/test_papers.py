"""Whole rows against loops of their papers' equations: silos of unlike size, whole cohorts and drawn ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.oracles import plain_loops as plain
from support.oracles.least_squares import MODEL, NO_AUGMENT
from support.oracles.rows import Ran, flat, run_row, silos_of, start_of
from support.unequal import SIZES, unequal_table

from fedasr.engine.preparation import Prepared, prepare_experiment
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec

EXACT, NEAR = 3e-6, 1e-5
"""How near float64 must come on least squares, and float32 with a recogniser."""
LEARNING: dict[str, Any] = {"rounds": 5, "batch_size": 4, "learning_rate": 0.1, "gradient_norm": np.inf}
Loop = Callable[[plain.Silos, plain.Vector], plain.Vector]

ROWS: Mapping[str, tuple[RowSpec, Loop]] = {
    "fedavg": (RowSpec("row", "fedavg"), plain.fedavg),
    "fedprox": (RowSpec("row", "fedprox", options={"proximal": 0.7}), lambda s, x: plain.fedprox(s, x, 0.7)),
    "scaffold": (RowSpec("row", "scaffold"), lambda s, x: plain.scaffold(s, x)[0]),
    "scaffold with a rate": (
        RowSpec("row", "scaffold", options={"server_learning_rate": 0.5}), lambda s, x: plain.scaffold(s, x, 0.5)[0],
    ),
    "fednova": (RowSpec("row", "fednova"), plain.fednova),
    "fednova with a pull": (
        RowSpec("row", "fednova", options={"proximal": 0.7}), lambda s, x: plain.fednova(s, x, 0.7),
    ),
    "feddyn": (RowSpec("row", "feddyn", options={"alpha": 0.5}), lambda s, x: plain.feddyn(s, x, 0.5)[0]),
}  # fmt: skip


def prepared_with(corpus: Path, model: Mapping[str, Any]) -> Prepared:
    table = unequal_table(corpus, model=model, augment=NO_AUGMENT)
    return prepare_experiment(Experiment.from_table(table), 1, Watcher())


@pytest.fixture(scope="module")
def quadratic(unequal_corpus: Path) -> Prepared:
    return prepared_with(unequal_corpus, MODEL)


@pytest.fixture(scope="module")
def recogniser(unequal_corpus: Path) -> Prepared:
    return prepared_with(unequal_corpus, {"dropout": 0.0})


def ran(prepared: Prepared, row: RowSpec, folder: Path, **training: Any) -> tuple[RowSpec, Ran]:
    row = RowSpec(row.name, row.strategy, options=row.options, training={**LEARNING, **training})
    return row, run_row(prepared, row, folder)


@pytest.mark.parametrize("momentum", [0.0, 0.6])
@pytest.mark.parametrize("drawn", [0, 2])
@pytest.mark.parametrize("name", ROWS)
def test_least_squares(name: str, drawn: int, momentum: float, quadratic: Prepared, tmp_path: Path) -> None:
    row, found = ran(quadratic, ROWS[name][0], tmp_path, silos_per_round=drawn, momentum=momentum, local_epochs=2)
    assert {len(cohort) for cohort in found.cohorts} == {drawn or len(SIZES)}
    start = flat(start_of(quadratic))
    silos = silos_of(quadratic, row, found, steps=[2 * -(-size // 4) for size in SIZES])
    expected = ROWS[name][1](silos, start)
    np.testing.assert_allclose(found.model, expected, rtol=0, atol=EXACT)
    assert np.abs(expected - start).max() > 0.1
