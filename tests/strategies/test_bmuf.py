"""BMUF is the published algebra, and FedAvgM and DiLoCo are the same code with other settings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fedasr.strategies.bmuf import BMUF, MEMORIES, BMUFSettings, default_momentum
from flwr.app import ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp.strategy import FedAvgM
from hypothesis import given
from hypothesis import strategies as st
from support.tolerance import rounding
from support.unequal import run_unequal

from fedasr.asr.recogniser import Recogniser, digest
from fedasr.common.errors import UserError
from fedasr.engine.assembly import Assembly, silo_host
from fedasr.engine.preparation import Prepared
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.training import TrainingSpec
from fedasr.grid.flower.identity import identify
from fedasr.grid.in_process import InProcess
from fedasr.messages.records import array_record, arrays_of
from fedasr.runs.row_folder import RowFolder
from fedasr.server.outer_step import MomentumStep
from fedasr.server.rounds import drive
from fedasr.server.strategies_by_name import build_strategy
from fedasr.silo.app import SiloApp

momenta = st.floats(0.0, 0.95)
rates = st.floats(0.1, 2.0)
Weights = dict[str, np.ndarray]


def _drift(sent: Weights, block: int) -> Weights:
    """What the mean of the silos' models is: some contraction with a push of its own."""
    push = np.random.default_rng(block).standard_normal(sent["w"].shape)
    return {"w": (0.8 * sent["w"] + 0.3 * push).astype(np.float32)}


def remembered(block: int, eta: float, size: np.ndarray) -> float:
    """Bound the rounding after so many blocks of eight operations, each remembered 1 / (1 - η) blocks long.

    Models before were up to ten times as large as this one, which may be near zero.
    """
    return rounding(8 * (block + 1) / (1 - eta), 10 * (1 + np.abs(size).max()))


@given(momenta, rates, st.booleans(), st.integers(1, 8))
def test_blocks_follow_the_published_recursion(eta: float, zeta: float, nesterov: bool, blocks: int) -> None:
    step, weights = MomentumStep(zeta, eta, nesterov), {"w": np.float32([1.0, -2.0, 0.5])}
    delta = np.zeros(3)
    w = weights["w"].astype(np.float64)
    for block in range(blocks):
        sent = step.ahead(weights)
        ahead = w + (eta * delta if nesterov else 0)
        within = remembered(block, eta, ahead)
        np.testing.assert_allclose(sent["w"], ahead, rtol=0, atol=within)
        mean = _drift(sent, block)
        delta = eta * delta + zeta * (mean["w"] - sent["w"].astype(np.float64))
        w = w + delta
        weights = step.step(weights, sent, mean)
        np.testing.assert_allclose(weights["w"], w, rtol=0, atol=within + remembered(0, eta, w))


@given(momenta, rates, st.integers(1, 8))
def test_the_nesterov_form_is_the_outer_step_of_diloco(eta: float, zeta: float, blocks: int) -> None:
    """DiLoCo steps torch's Nesterov SGD with minus G as the gradient; its parameter is what BMUF sends."""
    step, weights = MomentumStep(zeta, eta, nesterov=True), {"w": np.float32([1.0, -2.0, 0.5])}
    parameter = torch.nn.Parameter(torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64))
    outer = torch.optim.SGD([parameter], zeta, eta, nesterov=eta > 0)
    for block in range(blocks):
        sent = step.ahead(weights)
        expected = parameter.detach().numpy()
        np.testing.assert_allclose(sent["w"], expected, rtol=0, atol=remembered(block, eta, expected))
        mean = _drift(sent, block)
        weights = step.step(weights, sent, mean)
        parameter.grad = parameter.detach() - torch.from_numpy(_drift({"w": parameter.detach().numpy()}, block)["w"])
        outer.step()


@pytest.mark.parametrize("eta", [0.0, 0.6, 0.9])
def test_the_classical_form_at_rate_one_is_flowers_fedavgm(eta: float) -> None:
    identify()
    ours: Weights = {"w": np.float32([1.0, -2.0, 0.5])}
    step, theirs = MomentumStep(1.0, eta), FedAvgM(server_learning_rate=1.0, server_momentum=eta)
    theirs.current_arrays = array_record(ours)
    model = ours
    for block in range(6):
        mean = _drift(ours, block)
        model = arrays_of(_fedavgm_round(theirs, block + 1, mean))
        ours = step.step(ours, step.ahead(ours), mean)
        np.testing.assert_allclose(ours["w"], model["w"], rtol=0, atol=remembered(block, eta, model["w"]))


def _fedavgm_round(strategy: FedAvgM, round: int, mean: Weights):  # type: ignore[no-untyped-def]
    asked = Message(RecordDict({"config": ConfigRecord()}), 2, "train")
    reply = RecordDict({"arrays": array_record(mean), "metrics": MetricRecord({"num-examples": 1})})
    arrays, _ = strategy.aggregate_train(round, [Message(reply, reply_to=asked)])
    strategy.current_arrays = arrays
    return arrays


def test_the_default_momentum_is_published_and_capped_by_the_blocks() -> None:
    assert default_momentum(16, 10_000) == 1 - 1 / 16
    assert default_momentum(16, 16 * MEMORIES) == 1 - 1 / 16
    assert default_momentum(64, 80) == 1 - MEMORIES / 80
    assert default_momentum(32, 20) == pytest.approx(0.6)
    training = TrainingSpec(rounds=10_000)
    assert build_strategy(RowSpec("b", "bmuf"), training, 16).outer.momentum == 1 - 1 / 16  # type: ignore[attr-defined]
    chosen = RowSpec("b", "bmuf", options={"block_momentum": 0.3})
    assert build_strategy(chosen, training, 16).outer.momentum == 0.3  # type: ignore[attr-defined]


@given(st.integers(2, 300), st.integers(MEMORIES + 1, 5000))
def test_there_is_always_momentum_and_below_the_published_one_it_is_told(workers: int, blocks: int) -> None:
    strategy = BMUF(BMUFSettings(), workers, blocks)
    assert 0 < strategy.outer.momentum <= 1 - 1 / workers
    assert bool(strategy.remark) == (blocks < MEMORIES * workers)


@pytest.mark.parametrize(
    ("options", "rounds", "silos", "says"),
    [
        ({}, MEMORIES, 32, "8 blocks leave no room"), ({}, 1, 32, "1 blocks leave no room"),
        ({}, 100, 1, "BMUF of one silo is plain training"),
        ({"block_momentum": 0.0}, 100, 32, "'fedavg'"), ({"block_momentum": 0}, 100, 1, "'fedavg'"),
    ],
)  # fmt: skip
def test_a_row_without_momentum_is_none(options: dict[str, float], rounds: int, silos: int, says: str) -> None:
    row = RowSpec("b", "bmuf", options=options)
    with pytest.raises(UserError) as refusal:
        build_strategy(row, TrainingSpec(rounds=rounds), silos)
    (line,) = str(refusal.value).splitlines()
    assert line.startswith("compare.b.options")
    assert says in line


def test_what_the_file_states_is_run_and_told(unequal_corpus: Path, tmp_path: Path) -> None:
    """Two blocks leave nothing of 1 - 1/4, so that a row that states nothing is refused before it trains."""
    row = {"name": "bmuf", "strategy": "bmuf", "options": {"block_momentum": 0.5}}
    (found,) = run_unequal(unequal_corpus, tmp_path / "run", row)
    assert found["note"] == "block momentum 0.5, below 1 − 1/N = 0.75"
    with pytest.raises(UserError, match="2 blocks leave no room"):
        run_unequal(unequal_corpus, tmp_path / "refused", {"name": "bmuf", "strategy": "bmuf"})
    assert not (tmp_path / "refused").exists()


def test_what_it_refuses() -> None:
    with pytest.raises(UserError, match="local_optimizer"):
        BMUFSettings(local_optimizer="forget")
    with pytest.raises(UserError, match="momentum"):
        BMUFSettings(block_momentum=1.0)


def _driven(prepared: Prepared, row: RowSpec, folder: Path) -> str:
    one = replace(prepared, partition=replace(prepared.partition, silos=prepared.partition.silos[:1]))
    host = silo_host(one, row, 3)
    torch.manual_seed(0)
    start = Recogniser(prepared.recogniser_spec, prepared.tokens).weights()
    grid = InProcess().open_grid(SiloApp(host), {0: {"partition-id": 0}}, host.streams)
    parts = Assembly(one, row, 3, start, RowFolder(folder), InProcess(), Watcher())
    found = drive(build_strategy(row, host.training, 1), grid, parts.central(grid))
    assert found is not None
    return digest(found)


@pytest.mark.parametrize("local_optimizer", ["reset", "keep"])
def test_in_its_first_block_it_is_averaging_to_the_bit(
    prepared: Prepared, tmp_path: Path, local_optimizer: str
) -> None:
    """There is nothing in the filter yet, and no moments are kept."""
    training = {"rounds": 1, "local_steps": 4, "momentum": 0.9, "silos_per_round": 0}
    options = {"local_optimizer": local_optimizer, "block_momentum": 0.5}
    bmuf = RowSpec("alone", "bmuf", options=options, training=training)
    plain = RowSpec("alone", "fedavg", training=training)
    found, expected = (_driven(prepared, row, tmp_path / row.strategy) for row in (bmuf, plain))
    assert found == expected
