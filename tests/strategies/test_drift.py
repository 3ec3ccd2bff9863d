"""What algorithms against client drift are for, and what they are where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.oracles.least_squares import MODEL, NO_AUGMENT
from support.oracles.rows import SEED, Gradients, Ran, Vector, flat, optimum, run_row, silos_of, start_of
from support.unequal import unequal_table

from fedasr.engine.assembly import silo_host
from fedasr.engine.preparation import Prepared, prepare_experiment
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.strategy_options import STRATEGIES

WHOLE = {"batch_size": 16, "gradient_norm": np.inf, "learning_rate": 0.3, "local_steps": 10, "evaluate_every": 99}
"""Ten steps, each on all of a silo's speech: the silos' losses are fixed quadratics."""
UNIFORM = {"weighting": "uniform"}


@pytest.fixture(scope="module")
def quadratic(unequal_corpus: Path) -> Prepared:
    table = unequal_table(unequal_corpus, model=MODEL, augment=NO_AUGMENT)
    return prepare_experiment(Experiment.from_table(table), 1, Watcher())


def among(prepared: Prepared, *silos: tuple[str, ...]) -> Prepared:
    """Return the same with these silos."""
    return replace(prepared, partition=replace(prepared.partition, silos=silos))


def ran(
    prepared: Prepared, folder: Path, strategy: str, options: Mapping[str, Any] | None = None, **training: Any
) -> Ran:
    row = RowSpec("row", strategy, options=options or {}, training={**WHOLE, **training})
    return run_row(prepared, row, folder / strategy)


def least(prepared: Prepared) -> Vector:
    """Return where the mean of the silos' losses is least."""
    row = RowSpec("row", "fedavg", training=WHOLE)
    return optimum(silos_of(prepared, row, Ran({}, None, {}, ())))  # type: ignore[arg-type]


def test_two_unlike_quadratics_end_at_their_joint_optimum(quadratic: Prepared, tmp_path: Path) -> None:
    two = among(quadratic, *quadratic.partition.silos[1::2])  # together no direction is too flat for so few steps
    options: dict[str, Mapping[str, Any]] = {"scaffold": {}, "feddyn": {"alpha": 0.3}, "fedavg": UNIFORM}
    ends = {name: ran(two, tmp_path, name, options[name], rounds=45).model for name in options}
    far = {name: np.abs(end - least(two)).max() for name, end in ends.items()}
    assert max(far["scaffold"], far["feddyn"]) < 1e-4
    assert far["fedavg"] > 0.1


def test_unlike_numbers_of_steps_pull_fednova_away_less_than_averaging(quadratic: Prepared, tmp_path: Path) -> None:
    first, second, _, fourth = quadratic.partition.silos
    two = among(quadratic, second[:1], (*fourth, first[0]))
    assert [len(silo) for silo in two.partition.silos] == [1, 10]
    passes = {"batch_size": 1, "local_epochs": 1, "learning_rate": 0.2, "rounds": 15}
    training = {key: value for key, value in {**WHOLE, **passes}.items() if key != "local_steps"}
    ends = {
        name: run_row(two, RowSpec("row", name, options=UNIFORM, training=training), tmp_path / name).model
        for name in ("fednova", "fedavg")
    }
    row = RowSpec("row", "fedavg", training=WHOLE)
    at = optimum(silos_of(two, row, Ran({}, None, {}, ())))  # type: ignore[arg-type]
    assert np.linalg.norm(ends["fednova"] - at) < 0.3 * np.linalg.norm(ends["fedavg"] - at)


def test_where_nothing_differs_they_are_averaging(quadratic: Prepared, tmp_path: Path) -> None:
    training = {"rounds": 3, "batch_size": 2, "local_steps": 3, "silos_per_round": 3, "momentum": 0.5}
    plain = ran(quadratic, tmp_path, "fedavg", **training)
    for strategy, options in (("fedprox", {"proximal": 0.0}), ("fedper", {}), ("ditto", {"proximal": 3.0})):
        found = ran(quadratic, tmp_path, strategy, options, **training)
        assert all(np.array_equal(found.weights[name], plain.weights[name]) for name in plain.weights), strategy
    equal_steps = ran(quadratic, tmp_path, "fednova", **training)
    np.testing.assert_allclose(equal_steps.model, plain.model, rtol=0, atol=1e-9)


def test_without_a_pull_dittos_own_part_is_training_alone(quadratic: Prepared, tmp_path: Path) -> None:
    found = ran(quadratic, tmp_path, "ditto", {"proximal": 0.0}, rounds=3)
    host = silo_host(quadratic, RowSpec("row", "ditto", training=WHOLE), SEED)
    gradient = Gradients(host)
    for silo in range(len(quadratic.partition.silos)):
        at = flat(start_of(quadratic))
        for _ in range(3 * WHOLE["local_steps"]):
            at = at - WHOLE["learning_rate"] * gradient(silo, 1, 0, at)
        np.testing.assert_allclose(flat(found.kept(silo, "own model")), at, rtol=0, atol=1e-9)


def test_a_control_variate_is_a_mean_of_gradients_whatever_the_step(quadratic: Prepared, tmp_path: Path) -> None:
    """Under momentum, weight decay, a clip and a falling rate (x - y) / (K η) is none."""
    training = {"momentum": 0.9, "weight_decay": 0.1, "gradient_norm": 0.5, "decay": 0.1, "rounds": 1, "local_steps": 1}
    found = ran(quadratic, tmp_path, "scaffold", **training)
    host, start = silo_host(quadratic, RowSpec("row", "scaffold", training=WHOLE), SEED), flat(start_of(quadratic))
    for silo in range(len(quadratic.partition.silos)):
        gradient = Gradients(host)(silo, 1, 0, start)
        norm = np.linalg.norm(gradient)
        clipped = gradient * min(1.0, 0.5 / norm)
        np.testing.assert_allclose(flat(found.kept(silo, "variate")), clipped, rtol=0, atol=1e-9)
        assert norm > 0.5


@pytest.mark.parametrize("strategy", ["scaffold", "fednova", "feddyn", "ditto", "fedper"])
def test_single_replies_give_the_model_of_their_mean(
    strategy: str, quadratic: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A subclass that reads single replies is given them; on Flower's own grid everything is."""
    options = {"fedper": {"own_layers": ["head.*"]}}.get(strategy)
    training = {"rounds": 3, "batch_size": 4, "local_steps": 2, "silos_per_round": 3}
    mean = ran(quadratic, tmp_path / "mean", strategy, options, **training)
    monkeypatch.setattr(STRATEGIES.find(strategy), "reduce", "nothing")
    single = ran(quadratic, tmp_path / "single", strategy, options, **training)
    np.testing.assert_allclose(single.model, mean.model, rtol=0, atol=1e-12)
