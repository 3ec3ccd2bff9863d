from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fedasr.strategies.fedavg import FedAvg, FedAvgSettings
from fedasr.strategies.fedavgm import FedAvgMSettings
from fedasr.strategies.fedopt import FedOptSettings
from fedasr.strategies.outer_averaging import OuterAveraging
from support.unequal import run_unequal

from fedasr.asr.recogniser import Recogniser, digest
from fedasr.common.errors import UserError
from fedasr.common.randomness import Streams
from fedasr.engine.assembly import Assembly
from fedasr.engine.preparation import Prepared
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.training import TrainingSpec
from fedasr.grid.in_process import InProcess
from fedasr.runs.row_folder import RowFolder
from fedasr.server.adaptive_step import AdaptiveStep
from fedasr.server.layerwise_step import LAMB_EPSILON, LayerwiseStep
from fedasr.server.outer_step import MomentumStep
from fedasr.server.rounds import drive
from fedasr.server.strategies_by_name import build_strategy
from fedasr.silo.app import SiloApp
from fedasr.silo.host import SiloHost
from fedasr.silo.train import make_optimizer
from fedasr.training.batches import training_batch
from fedasr.training.objectives.supervised import Supervised
from fedasr.training.passes import shuffled_batches


def _host(prepared: Prepared, row: RowSpec, silos: int) -> SiloHost:
    partition = replace(prepared.partition, silos=prepared.partition.silos[:silos])
    return SiloHost(
        prepared.folder, partition, prepared.recogniser_spec, prepared.tokens,
        prepared.experiment.training_of(row), prepared.experiment.augment, Supervised(), Streams(3),
    )  # fmt: skip


def _serial_sgd(host: SiloHost, start: dict[str, np.ndarray], rounds: int) -> dict[str, np.ndarray]:
    """Plain SGD over the only silo's speech, written out."""
    model = Recogniser(host.recogniser_spec, host.tokens)
    model.load(start)
    silo = host.silo(0)
    for round in range(1, rounds + 1):
        generator = silo.streams.numpy("local", round, 0)
        masks = silo.streams.torch("local dropout", round, 0)
        batches = shuffled_batches(silo.speech, host.training.batch_size, generator)
        optimizer = torch.optim.SGD(model.parameters(), host.training.learning_rate)
        for indices in batches[: host.training.local_steps]:
            batch = training_batch(silo.speech, indices, host.tokens, host.augment, generator)
            optimizer.zero_grad()
            model.losses(batch, masks).mean().backward()
            optimizer.step()
    return model.weights()


def _start(prepared: Prepared) -> dict[str, np.ndarray]:
    torch.manual_seed(0)
    return Recogniser(prepared.recogniser_spec, prepared.tokens).weights()


def test_one_silo_is_serial_sgd_to_the_bit(prepared: Prepared, tmp_path: Path) -> None:
    row = RowSpec("alone", "fedavg", training={"rounds": 3, "local_steps": 2, "gradient_norm": 1e9})
    host, start = _host(prepared, row, 1), _start(prepared)
    grid = InProcess().open_grid(SiloApp(host), {0: {"partition-id": 0}}, host.streams)
    parts = Assembly(prepared, row, 3, start, RowFolder(tmp_path / "alone"), InProcess(), Watcher())
    found = drive(build_strategy(row, host.training, 1), grid, parts.central(grid))
    assert found is not None
    assert digest(found) == digest(_serial_sgd(host, start, 3))
    assert digest(found) != digest(start)


def test_weighting_names_the_metric() -> None:
    assert FedAvg().weighted_by_key == "num-examples"
    assert FedAvg(FedAvgSettings(weighting="uniform")).weighted_by_key == "uniform"
    with pytest.raises(UserError, match="weighting"):
        FedAvgSettings(weighting="loudness")


def test_outer_optimizers_by_name() -> None:
    assert FedAvg().outer == MomentumStep()
    nesterov = RowSpec("r", "fedavgm", options={"nesterov": True, "server_learning_rate": 0.5})
    assert build_strategy(nesterov, TrainingSpec(), 4).outer == MomentumStep(0.5, 0.9, True)  # type: ignore[attr-defined]
    for name, first in (("adam", 0.9), ("yogi", 0.9), ("adagrad", 0.0)):
        settings = FedOptSettings(server_learning_rate=0.5, server_optimizer=name)
        assert settings.outer_step(80) == AdaptiveStep(name, 0.5, first)
        assert settings.outer_step(20) == AdaptiveStep(name, 0.5, min(first, 0.6))
        assert replace(settings, first_moment=0.8).outer_step(20) == AdaptiveStep(name, 0.5, 0.8)
    lamb = FedOptSettings(server_optimizer="lamb").outer_step(80)
    assert lamb == LayerwiseStep("adam", 1.0, 0.9, 0.999, LAMB_EPSILON)
    with pytest.raises(UserError, match="lion"):
        FedOptSettings(server_optimizer="lion")
    for momentum in (-0.1, 0.0, 1.0):
        with pytest.raises(UserError, match="momentum"):
            FedAvgMSettings(momentum=momentum)
    with pytest.raises(UserError, match="second_moment' takes no effect"):
        FedOptSettings(server_optimizer="adagrad", second_moment=0.9)


@pytest.mark.parametrize("strategy", ["fedavg", "fedprox", "ditto", "fedper"])
@pytest.mark.parametrize(
    ("option", "mend"),
    [
        ({"momentum": 0.9}, "fedavgm"), ({"momentum": 0.0}, "fedavgm"), ({"nesterov": True}, "fedavgm"),
        ({"server_optimizer": "momentum"}, "fedopt"), ({"server_optimizer": "adam"}, "fedopt"),
        ({"tau": 1.0}, "fedopt"),
        ({"server_learning_rate": 1.0}, "fedavgm"), ({"server_schedule": "linear"}, "fedopt"),
    ],
)  # fmt: skip
def test_plain_averaging_has_no_step_of_the_servers_own(strategy: str, option: dict[str, Any], mend: str) -> None:
    """A row that is called averaging averages: what else was once an option is refused, and by which name it is had."""
    with pytest.raises(UserError) as refusal:
        build_strategy(RowSpec("r", strategy, options=option), TrainingSpec(), 4)
    (line,) = str(refusal.value).splitlines()
    assert next(iter(option)) in line
    assert f"'{mend}'" in line


def test_a_row_runs_what_it_is_called(unequal_corpus: Path, tmp_path: Path) -> None:
    """From the second round on momentum is not averaging, nor is an adaptive optimizer."""
    names = ("fedavg", "fedavgm", "fedopt")
    found = run_unequal(unequal_corpus, tmp_path / "run", *({"name": name, "strategy": name} for name in names))
    assert [row["failure"] for row in found] == [None] * 3
    assert len({row["model_sha256"] for row in found}) == 3


@pytest.mark.parametrize("name", ["fedavgm", "fedopt"])
def test_a_schedule_falls_over_the_rounds_of_the_row(name: str) -> None:
    row = RowSpec("r", name, options={"server_schedule": "linear", "server_learning_rate": 0.8})
    strategy = build_strategy(row, TrainingSpec(rounds=4), 7)
    assert isinstance(strategy, OuterAveraging)
    assert [strategy.rate(n) for n in range(1, 5)] == pytest.approx([0.8, 0.6, 0.4, 0.2])


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), 0.0, -1.0])
@pytest.mark.parametrize("strategy", ["fedavgm", "fedopt", "bmuf", "sync-sgd"])
def test_a_server_rate_that_is_no_rate_is_refused(strategy: str, rate: float) -> None:
    name = "block_learning_rate" if strategy == "bmuf" else "server_learning_rate"
    with pytest.raises(UserError):
        build_strategy(RowSpec("r", strategy, options={name: rate}), TrainingSpec(), 4)


@pytest.mark.parametrize("momentum", [float("nan"), -0.1, 1.0])
def test_a_server_momentum_that_is_none_is_refused(momentum: float) -> None:
    for strategy, name in (("fedavgm", "momentum"), ("bmuf", "block_momentum"), ("sync-sgd", "server_momentum")):
        with pytest.raises(UserError):
            build_strategy(RowSpec("r", strategy, options={name: momentum}), TrainingSpec(), 4)


def test_local_optimizers_begin_anew_and_decay(tiny: Experiment) -> None:
    spec = tiny.training_of(RowSpec("a", "fedavg", training={"rounds": 5, "decay": 0.2, "learning_rate": 1.0}))
    model = torch.nn.Linear(2, 2)
    rates = [make_optimizer(model, spec, round).param_groups[0]["lr"] for round in range(1, 7)]  # type: ignore[arg-type]
    assert rates == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2, 0.2])
