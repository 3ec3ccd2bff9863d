"""Whole rows against loops of their papers' equations: silos of unlike size, whole cohorts and drawn ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import RecordDict
from support.oracles import plain_loops as plain
from support.oracles.least_squares import MODEL, NO_AUGMENT
from support.oracles.rows import SEED, Gradients, Ran, flat, run_row, silos_of, start_of
from support.unequal import SIZES, unequal_table

from fedasr.engine.assembly import silo_host
from fedasr.engine.preparation import Prepared, prepare_experiment
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.messages.kinds import TRAIN
from fedasr.silo.host import SiloHost
from fedasr.silo.work import Work

EXACT, NEAR = 1e-9, 1e-5
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


@pytest.mark.parametrize("drawn", [0, 2])
def test_what_scaffold_and_feddyn_remember(drawn: int, quadratic: Prepared, tmp_path: Path) -> None:
    row, found = ran(quadratic, ROWS["scaffold"][0], tmp_path, silos_per_round=drawn)
    silos, start = silos_of(quadratic, row, found), flat(start_of(quadratic))
    _, common, own = plain.scaffold(silos, start)
    np.testing.assert_allclose(flat(found.strategy.variate), common, rtol=0, atol=EXACT)
    for silo in {silo for cohort in found.cohorts for silo in cohort}:
        np.testing.assert_allclose(flat(found.kept(silo, "variate")), own[silo], rtol=0, atol=EXACT)
    row, found = ran(quadratic, ROWS["feddyn"][0], tmp_path / "feddyn", silos_per_round=drawn)
    _, held, gradients = plain.feddyn(silos_of(quadratic, row, found), start, 0.5)
    np.testing.assert_allclose(flat(found.strategy.held), held, rtol=0, atol=EXACT)
    for silo in {silo for cohort in found.cohorts for silo in cohort}:
        np.testing.assert_allclose(flat(found.kept(silo, "gradient")), gradients[silo], rtol=0, atol=EXACT)


@pytest.mark.parametrize("strength", [0.0, 0.7])
@pytest.mark.parametrize("drawn", [0, 2])
def test_ditto(drawn: int, strength: float, quadratic: Prepared, tmp_path: Path) -> None:
    check_ditto(quadratic, tmp_path, drawn, strength, EXACT)


def check_ditto(prepared: Prepared, folder: Path, drawn: int, strength: float, near: float) -> None:
    """Hold a row of Ditto to its loop: the common model, and the own one of each silo that took part."""
    asked = RowSpec("row", "ditto", options={"proximal": strength})
    row, found = ran(prepared, asked, folder, silos_per_round=drawn, momentum=0.6, local_steps=3)
    silos, start = silos_of(prepared, row, found), flat(start_of(prepared))
    draws = Gradients(silo_host(prepared, row, SEED), stretch=1)
    common, own = plain.ditto(silos, start, strength, draws)
    np.testing.assert_allclose(found.model, common, rtol=0, atol=near)
    assert np.abs(common - start).max() > 1000 * near
    for silo, model in enumerate(own):
        kept = found.kept(silo, "own model")
        assert bool(kept) == (model is not None)
        if model is not None:
            np.testing.assert_allclose(flat(kept), model, rtol=0, atol=near)
            assert np.abs(model - common).max() > 1000 * near


@pytest.mark.parametrize("drawn", [0, 2])
def test_fedper(drawn: int, quadratic: Prepared, tmp_path: Path) -> None:
    check_fedper(quadratic, tmp_path, drawn, "head.", EXACT)


def check_fedper(prepared: Prepared, folder: Path, drawn: int, own: str, near: float) -> None:
    """Hold a row of FedPer to its loop: the common layers, and the own ones of each silo that took part."""
    asked = RowSpec("row", "fedper", options={"own_layers": [f"{own}*"]})
    row, found = ran(prepared, asked, folder, silos_per_round=drawn, local_steps=3)
    fresh = fresh_weights(silo_host(prepared, row, SEED))
    start = {name: (fresh if name.startswith(own) else start_of(prepared))[name] for name in fresh}
    is_own = flat({name: np.full(array.shape, name.startswith(own)) for name, array in start.items()}) > 0
    common, models = plain.fedper(silos_of(prepared, row, found), flat(start), is_own)
    np.testing.assert_allclose(found.model, common, rtol=0, atol=near)
    assert np.abs(common - flat(start)[~is_own]).max() > 1000 * near
    for silo in {silo for cohort in found.cohorts for silo in cohort}:
        np.testing.assert_allclose(flat(found.kept(silo, "own layers")), models[silo][is_own], rtol=0, atol=near)
        assert np.abs(models[silo] - flat(start))[is_own].max() > 1000 * near


def fresh_weights(host: SiloHost) -> dict[str, Any]:
    return Work(host, host.silo(0), TRAIN, 1, RecordDict()).fresh_weights()


@pytest.mark.parametrize("name", ROWS)
def test_a_recogniser(name: str, recogniser: Prepared, tmp_path: Path) -> None:
    row, found = ran(recogniser, ROWS[name][0], tmp_path, silos_per_round=2, local_steps=3, momentum=0.6)
    start = flat(start_of(recogniser))
    expected = ROWS[name][1](silos_of(recogniser, row, found), start)
    np.testing.assert_allclose(found.model, expected, rtol=0, atol=NEAR)
    assert np.abs(expected - start).max() > 1000 * NEAR


def test_a_recogniser_of_each_silos_own_beside_the_common_one(recogniser: Prepared, tmp_path: Path) -> None:
    check_ditto(recogniser, tmp_path, 2, 0.7, NEAR)


def test_a_recogniser_whose_head_is_each_silos_own(recogniser: Prepared, tmp_path: Path) -> None:
    check_fedper(recogniser, tmp_path, 2, "ctc.", NEAR)
