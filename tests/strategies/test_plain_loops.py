"""The loops that strategies are held to, held themselves to what papers prove of them; and averaging held to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.oracles import plain_loops as plain
from support.oracles.least_squares import MODEL, NO_AUGMENT
from support.oracles.rows import flat, run_row, silos_of, start_of
from support.unequal import SIZES, unequal_table

from fedasr.engine.preparation import Prepared, prepare_experiment
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec

HILLS = (np.diag([1.0, 4.0]), np.diag([6.0, 0.5]))
TOPS = (np.array([1.0, -2.0]), np.array([-3.0, 5.0]))
TOGETHER = np.linalg.solve(sum(HILLS), sum(h @ t for h, t in zip(HILLS, TOPS, strict=True)))


def _two(rounds: int, steps: tuple[int, int] = (10, 10), rate: float = 0.05) -> plain.Silos:
    """Return two unlike quadratics, both taking part in every round."""

    def gradient(silo: int, round: int, step: int, at: plain.Vector) -> plain.Vector:
        return HILLS[silo] @ (at - TOPS[silo])

    return plain.Silos(gradient, (1, 1), steps, ((0, 1),) * rounds, rate)


def test_scaffold_and_feddyn_end_where_the_mean_of_the_losses_is_least_and_averaging_does_not() -> None:
    start = np.zeros(2)
    assert np.abs(plain.scaffold(_two(300), start)[0] - TOGETHER).max() < 1e-9
    assert np.abs(plain.feddyn(_two(300), start, 1.0)[0] - TOGETHER).max() < 1e-9
    assert np.abs(plain.fedavg(_two(300), start) - TOGETHER).max() > 0.1


def test_fednova_ends_nearer_than_averaging_where_silos_take_unlike_steps() -> None:
    silos = _two(300, (1, 10))
    ends = [np.linalg.norm(loop(silos, np.zeros(2)) - TOGETHER) for loop in (plain.fednova, plain.fedavg)]
    assert ends[0] < ends[1] / 2


@pytest.mark.parametrize(("momentum", "mu"), [(0.0, 0.0), (0.9, 0.0), (0.0, 2.0)])
def test_coefficients_of_fednova_are_those_of_the_paper(momentum: float, mu: float) -> None:
    steps, rate = 5, 0.1
    k = np.arange(steps)
    published = (1 - momentum ** (steps - k)) / (1 - momentum) * (1 - rate * mu) ** (steps - 1 - k)
    np.testing.assert_allclose(plain.coefficients(steps, rate, momentum, mu), published, rtol=1e-14)


@pytest.fixture(scope="module")
def quadratic(unequal_corpus: Path) -> Prepared:
    table = unequal_table(unequal_corpus, model=MODEL, augment=NO_AUGMENT)
    return prepare_experiment(Experiment.from_table(table), 1, Watcher())


TRAINING: dict[str, Any] = {
    "rounds": 5, "local_steps": 3, "batch_size": 4, "learning_rate": 0.2, "gradient_norm": np.inf,
}  # fmt: skip


@pytest.mark.parametrize("drawn", [0, 2])
@pytest.mark.parametrize("mu", [0.0, 0.7])
def test_averaging_is_the_plain_loop(quadratic: Prepared, tmp_path: Path, drawn: int, mu: float) -> None:
    training = {**TRAINING, "silos_per_round": drawn, "momentum": 0.5}
    options = {"proximal_mu": mu}
    row = RowSpec("row", "flwr.serverapp.strategy:FedProx", options=options, training=training)
    ran = run_row(quadratic, row, tmp_path)
    assert {len(cohort) for cohort in ran.cohorts} == {drawn or len(SIZES)}
    expected = plain.fedprox(silos_of(quadratic, row, ran), flat(start_of(quadratic)), mu)
    np.testing.assert_allclose(ran.model, expected, rtol=0, atol=1e-9)
    assert np.abs(expected - flat(start_of(quadratic))).max() > 0.1
