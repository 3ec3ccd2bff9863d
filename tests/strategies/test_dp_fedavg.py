"""DP-FedAvg: what its ε covers, and that it is federated averaging without the noise."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from flwr.app import Message
from support.running import tiny_table
from support.tolerance import of_a_deviation, of_a_mean, rounding
from support.unequal import run_unequal, stopped, unequal_table
from support.watched import failing

import fedasr
from fedasr.asr.recogniser import Recogniser, digest
from fedasr.common.errors import RowError, UserError
from fedasr.common.files import load_arrays, read_lines
from fedasr.engine.assembly import Assembly, silo_host
from fedasr.engine.preparation import Prepared
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.training import TrainingSpec
from fedasr.grid.in_process import InProcess
from fedasr.messages.train_request import TrainRequest
from fedasr.privacy.accounting.conversion import ORDERS, epsilon_of
from fedasr.privacy.accounting.losses import pld_epsilon
from fedasr.privacy.accounting.promise import Promise
from fedasr.privacy.mechanisms.gaussian import SampledGaussian
from fedasr.protection.silo_noise.plan import SiloNoisePlan
from fedasr.runs.row_folder import RowFolder
from fedasr.server.protected.boundary_round import BoundaryRound
from fedasr.server.rounds import drive
from fedasr.server.strategies_by_name import build_strategy
from fedasr.silo.app import SiloApp

DP_FEDAVG = "fedasr.strategies.dp_fedavg:DPFedAvg"
QUIET = {"noise_multiplier": 0.0, "clip_norm": 1e6}
Weights = Mapping[str, np.ndarray]


def _start(prepared: Prepared) -> Weights:
    torch.manual_seed(0)
    return Recogniser(prepared.recogniser_spec, prepared.tokens).weights()


def _row(prepared: Prepared, folder: Path, options: dict[str, Any], strategy: str = DP_FEDAVG, **training: Any) -> Any:
    spec = RowSpec("dp", strategy, options=options, training={"rounds": 2, "silos_per_round": 0, **training})
    host = silo_host(prepared, spec, 3)
    nodes = {silo: {"partition-id": silo} for silo in range(len(prepared.partition.silos))}
    grid = InProcess().open_grid(SiloApp(host), nodes, host.streams)
    parts = Assembly(prepared, spec, 3, _start(prepared), RowFolder(folder), InProcess(), Watcher())
    central = parts.central(grid)
    return drive(build_strategy(spec, host.training, len(nodes)), grid, central), central


def _norm(one: Weights, other: Weights) -> float:
    return float(sum(((one[n].astype(np.float64) - other[n]) ** 2).sum() for n in one)) ** 0.5


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_without_noise_and_clipping_it_is_federated_averaging(
    unequal: Prepared, tmp_path: Path, momentum: float
) -> None:
    found, central = _row(unequal, tmp_path / "dp", {**QUIET, "server_momentum": momentum})
    options = {"weighting": "uniform", **({"momentum": momentum} if momentum else {})}
    expected, _ = _row(unequal, tmp_path / "plain", options, "fedavgm" if momentum else "fedavg")
    # In each of two rounds a model is rounded when it is sent, changed, averaged and stepped.
    size = _norm(expected, {name: np.zeros_like(array) for name, array in expected.items()})
    assert _norm(found, expected) < rounding(2 * 4, size)
    assert _norm(expected, _start(unequal)) > rounding(2 * 400, size)
    account = central.releases.account()
    assert (account.epsilon, account.promise.epsilon) == (None, np.inf)


def test_a_round_moves_the_model_by_the_bound_at_most_and_by_less_with_half_the_silos(
    prepared: Prepared, tmp_path: Path
) -> None:
    """The sum is divided by the expected cohort, whoever came: two of four, half the silos, a bound of 0.01."""
    options = {**QUIET, "clip_norm": 0.01}
    silos = len(prepared.partition.silos)
    moved = set()
    for place in range(12):
        found, central = _row(prepared, tmp_path / str(place), options, rounds=1, silos_per_round=2)
        came = sum(line["direction"] == "up" for line in read_lines(tmp_path / str(place) / "traffic.jsonl"))
        made = load_arrays(tmp_path / str(place) / "releases" / "round.1.safetensors")[0]
        assert _norm(found, _start(prepared)) <= 0.01 * came / 2 * (1 + 1e-3) + 1e-6
        for name, array in found.items():
            expected = central.start[name] + made[name] / 2
            np.testing.assert_allclose(array, expected, rtol=0, atol=rounding(2, np.abs(expected).max()))
        if came == 0:
            assert digest(found) == digest(_start(prepared))
        moved.add(came)
    assert len(moved) > 1, "cohorts are drawn by coins"
    assert max(moved) <= silos


def test_an_empty_cohort_releases_noise_alone(prepared: Prepared, tmp_path: Path) -> None:
    """A rate at which nobody is drawn: the round is noise, on the arrays that were asked for."""
    _, central = _row(prepared, tmp_path / "a", QUIET, rounds=1)
    before = len(central.grid.log.traffic)
    nobody = replace(
        central, boundary=SiloNoisePlan(2.0, 0.5, 1e-9, 1e-5, "replace-one", 1), folder=RowFolder(tmp_path)
    )
    content = TrainRequest(central.start, 1, layers=("ctc.*",)).to_record()
    messages = [Message(content, node, "train") for node in central.grid.get_node_ids()]
    nobody.releases.store = nobody.folder.releases
    BoundaryRound(nobody.boundary, nobody, central.grid, 1).reply(messages, "uniform")
    assert len(central.grid.log.traffic) == before, "nobody was asked"
    made = load_arrays(tmp_path / "releases" / "round.1.safetensors")[0]
    assert {name: array.shape for name, array in made.items()} == {
        name: array.shape for name, array in central.start.items() if name.startswith("ctc.")
    }
    drawn = np.concatenate([array.ravel() for array in made.values()])
    assert np.std(drawn) == pytest.approx(1.0, rel=of_a_deviation(len(drawn)))
    assert abs(np.mean(drawn)) < of_a_mean(1.0, len(drawn))


def _one_round(corpus: Path, folder: Path, silos: int, *failed: int) -> tuple[Weights, Weights]:
    """Run one round of so many silos without noise; return the sum that was released, and how far the model moved."""
    row = {"name": "dp", "strategy": "dp-fedavg", "options": {**QUIET, "clip_norm": 0.01}}
    experiment = Experiment.from_table(unequal_table(corpus, compare=[row], training={"rounds": 1}))
    experiment = experiment.with_value("corpus.silos", silos)
    (found,) = fedasr.run(experiment, grid=failing("train", *failed), out=folder).rows
    assert (found["status"], found["refused_replies"]) == ("finished", len(failed)), found["failure"]
    (start,) = (load_arrays(path)[0] for path in (folder / "start").glob("*.safetensors"))
    model = load_arrays(folder / "dp" / "model.safetensors")[0]
    moved = {name: model[name].astype(np.float64) - start[name] for name in model}
    return load_arrays(folder / "dp" / "releases" / "round.1.safetensors")[0], moved


def test_a_silo_that_fails_is_missing_from_the_sum_which_is_divided_as_if_it_had_come(
    unequal_corpus: Path, tmp_path: Path
) -> None:
    """Who fails is not known to be public: the sum is that of the others, over the number that was expected."""
    failed, moved_by_three = _one_round(unequal_corpus, tmp_path / "failed", 4, 3)
    absent, moved_alone = _one_round(unequal_corpus, tmp_path / "absent", 3)
    for name, array in absent.items():
        np.testing.assert_allclose(failed[name], array, rtol=0, atol=rounding(2, np.abs(array).max()))
        # The sum is rounded, and the model that it moves, which is no larger than 4.
        np.testing.assert_allclose(moved_by_three[name], array / 4, rtol=0, atol=rounding(2, 4.0))
        np.testing.assert_allclose(moved_alone[name], array / 3, rtol=0, atol=rounding(2, 4.0))
        assert np.abs(array).max() > rounding(200, 4.0), "too little to see"
    assert 0.02 < _norm(failed, dict.fromkeys(failed, np.zeros(()))) <= 0.03 * (1 + 1e-6)


def test_a_round_in_which_every_silo_fails_releases_noise_and_is_charged(unequal_corpus: Path, tmp_path: Path) -> None:
    row = {"name": "dp", "strategy": "dp-fedavg", "options": {"noise_multiplier": 2.0, "clip_norm": 0.5}}
    grid = failing("train", 0, 1, 2, 3)
    (found,) = run_unequal(unequal_corpus, tmp_path / "run", row, grid=grid, training={"rounds": 1})
    assert found["status"] == "finished", found["failure"]
    released = load_arrays(tmp_path / "run" / "dp" / "releases" / "round.1.safetensors")[0]
    drawn = np.concatenate([array.ravel() for array in released.values()])
    assert np.std(drawn) == pytest.approx(1.0, rel=of_a_deviation(len(drawn)))
    assert len(read_lines(tmp_path / "run" / "dp" / "releases" / "ledger.jsonl")) == 1


@pytest.mark.parametrize("exchange", ["model", "gradient"])
def test_other_layers_stay_as_they_were_to_the_bit(prepared: Prepared, tmp_path: Path, exchange: str) -> None:
    options = {"noise_multiplier": 1.0, "layers": ["ctc.*"], "exchange": exchange}
    found, central = _row(prepared, tmp_path, options)
    chosen = [name for name in found if name.startswith("ctc.")]
    assert chosen
    for name, array in found.items():
        assert np.array_equal(array, central.start[name]) == (name not in chosen), name
    assert set(load_arrays(tmp_path / "releases" / "round.1.safetensors")[0]) == set(chosen)


def test_the_silos_train_no_other_layers_either(prepared: Prepared, tmp_path: Path) -> None:
    """Else their clipped change would be spent on what is thrown away."""
    alone, _ = _row(prepared, tmp_path / "a", {**QUIET, "layers": ["ctc.*"], "clip_norm": 1e-3}, rounds=1)
    assert _norm(alone, _start(prepared)) > 0.5e-3


def test_epsilon_is_the_accountants_for_the_rounds_the_rate_and_the_noise(prepared: Prepared, tmp_path: Path) -> None:
    _, central = _row(prepared, tmp_path, {"noise_multiplier": 4.0, "clip_norm": 0.2}, rounds=3, silos_per_round=2)
    mechanism = SampledGaussian(4.0, 0.2, 0.5)
    rdp = epsilon_of(ORDERS, 3 * mechanism.rdp(ORDERS, "replace-one"), 1e-5, "classic")
    account = central.releases.account()
    assert account.promise == Promise("silo", "replace-one", 1e-5, ((mechanism, 3),))
    assert account.promise.bounds["rdp"] == pytest.approx(rdp, rel=1e-12)
    assert account.promise.bounds["pld"] == pld_epsilon([(mechanism, 3)], 1e-5, "replace-one") < rdp
    assert (account.epsilon, account.bound, account.kind) == (account.promise.bounds["pld"], "pld", "accountant")
    assert account.epsilon_spent == account.epsilon, "all rounds were made"
    ledger = read_lines(tmp_path / "releases" / "ledger.jsonl")
    assert [(r["count"], r["sampling_assumed"], r["sampling_used"]) for r in ledger] == [(1, "poisson", "poisson")] * 3


def test_planned_noise_meets_the_target(prepared: Prepared, tmp_path: Path) -> None:
    _, central = _row(prepared, tmp_path, {"epsilon": 5.0, "adjacency": "add-remove"}, silos_per_round=2)
    account = central.releases.account()
    assert 4.99 < account.epsilon <= 5.0
    assert account.promise.adjacency == "add-remove"


def _experiment(corpus: Path, **changes: Any) -> Experiment:
    row = {"name": "dp", "strategy": DP_FEDAVG, "options": {"noise_multiplier": 3.0, "server_momentum": 0.5}}
    training = {"rounds": 4, "silos_per_round": 3}
    return Experiment.from_table(unequal_table(corpus, training=training, compare=[row], **changes))


@pytest.mark.parametrize("stop", [1, 3, 4])
def test_a_stopped_row_goes_on_to_the_same_bits_at_the_same_epsilon(
    unequal_corpus: Path, tmp_path: Path, stop: int
) -> None:
    """It is stopped when a release is on disk and in the ledger, and the round's checkpoint is not.

    The models of the rounds 3 and 4 are averaged: a row that is stopped in the fourth has a sum to go on with.
    """
    experiment = _experiment(unequal_corpus, reproducible_noise=True)
    whole = fedasr.run(experiment, grid="process", out=tmp_path / "whole").rows[0]
    with stopped(stop, is_saved=False):
        fedasr.run(experiment, grid="process", out=tmp_path / "stopped")
    resumed = fedasr.run(experiment, grid="process", resume=tmp_path / "stopped").rows[0]
    assert resumed["status"] == "finished", resumed["failure"]
    assert resumed["epsilon_kind"] == "void"
    for key in ("model_sha256", "epsilon", "wer", "rounds", "uplink_bytes", "downlink_bytes", "simulated_seconds"):
        assert resumed[key] == whole[key], key
    assert len(read_lines(tmp_path / "stopped" / "dp" / "releases" / "ledger.jsonl")) == 4


@pytest.mark.parametrize(
    "options", [{"clip_norm": 0.0}, {"clip_norm": float("nan")}, {"clip_norm": float("inf")}, {"epsilon": 0.0},
                {"epsilon": float("inf")}, {"delta": 1.0}, {"noise_multiplier": -1.0}, {"average": 0.5},
                {"noise_multiplier": float("nan")}, {"adjacency": "neighbours"}, {"exchange": "models"},
                {"server_momentum": 1.0}, {"server_learning_rate": 0.0}, {"noise_multiplier": 1.0, "epsilon": 2.0},
                {"clip_norm": float("inf"), "noise_multiplier": 1.0}]
)  # fmt: skip
def test_what_it_refuses(options: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        build_strategy(RowSpec("r", DP_FEDAVG, options=options), TrainingSpec(), 4)


def test_a_row_that_would_release_noise_alone_does_not_begin(prepared: Prepared, tmp_path: Path) -> None:
    for layers in (["adapter.*"], ["ctc.*", "adapter.*"]):
        with pytest.raises(RowError, match=r"no parameter fits 'adapter\.\*'"):
            _row(prepared, tmp_path, {"layers": layers})
    with pytest.raises(RowError, match="sgd"):
        _row(prepared, tmp_path, {"exchange": "gradient"}, optimizer="adamw")
    assert not (tmp_path / "releases").exists()


def test_flowers_own_private_strategies_run_and_promise_nothing_here(tmp_path: Path) -> None:
    """Its wrappers are given Flower's FedAvg to wrap; their noise is not in our ledger, so no ε is printed."""
    path = "flwr.serverapp.strategy:DifferentialPrivacyServerSideFixedClipping"
    options = {"noise_multiplier": 0.01, "clipping_norm": 1.0, "num_sampled_clients": 3}
    rows = [{"name": "flower", "strategy": path, "options": options}]
    (row,) = fedasr.run(Experiment.from_table(tiny_table(compare=rows)), grid="process", out=tmp_path).rows
    assert row["status"] == "finished", row["failure"]
    assert row["epsilon"] is None
