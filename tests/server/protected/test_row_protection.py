"""Which strategies a protection at the boundary covers: the others are refused in one line before anything is made."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from flwr.app import ArrayRecord, Message, MetricRecord
from flwr.serverapp.strategy import FedAvg
from support.running import tiny_table

import fedasr
from fedasr.common.errors import UserError
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.training import TrainingSpec
from fedasr.protection.none import Unprotected
from fedasr.protection.silo_noise.protection import SiloNoise
from fedasr.server.protected.coverage import boundary_protection
from fedasr.server.protected.row_protection import protection_name, row_protection
from fedasr.server.strategies_by_name import build_strategy

NOISE = "fedasr.protection.silo_noise.protection:SiloNoise"
FLOWER = "flwr.serverapp.strategy:"


class Reader(FedAvg):
    """Reads single replies."""

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        return super().aggregate_train(server_round, replies)


def _row(strategy: str, protection: str = NOISE, **options: Any) -> RowSpec:
    return RowSpec("row", strategy, protection=protection, options=options)


@pytest.mark.parametrize(
    ("strategy", "options", "says"),
    [
        ("pate", {}, "loop of its own"),
        ("centralised", {}, "loop of its own"),
        ("local-only", {}, "loop of its own"),
        ("public-only", {}, "loop of its own"),
        (f"{FLOWER}FedMedian", {}, "reads single ones"),
        (f"{FLOWER}Krum", {}, "reads single ones"),
        (f"{FLOWER}QFedAvg", {"client_learning_rate": 0.1}, "reads single ones"),
        (f"{__name__}:Reader", {}, "Reader reads single ones"),
        ("ditto", {}, "models of their own"),
        ("fedper", {"own_layers": ["ctc.*"]}, "models of their own"),
        ("fednova", {}, "needs 'reach'"),
        ("fedavg", {"weighting": "utterances"}, "options.weighting is 'utterances'"),
        ("bmuf", {"weighting": "seconds", "block_momentum": 0.5}, "options.weighting is 'seconds'"),
        (f"{FLOWER}FedAdam", {"weighted_by_key": "num-examples"}, "options.weighted_by_key"),
        (f"{FLOWER}FedAvg", {"fraction_evaluate": 0.5}, "evaluation in the silos"),
        ("dp-fedavg", {}, "beside the protection that dp-fedavg is made for"),
    ],
)
def test_what_the_protection_does_not_cover_is_refused(
    strategy: str, options: dict[str, Any], says: str, tmp_path: Path
) -> None:
    row = {"name": "row", "strategy": strategy, "protection": NOISE, "options": options}
    with pytest.raises(UserError) as refusal:
        fedasr.run(Experiment.from_table(tiny_table(compare=[row])), grid="process", out=tmp_path / "run")
    (line,) = str(refusal.value).splitlines()
    assert says in line
    assert "compare.row" in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("strategy", "options"),
    [("fedavg", {}), ("fedavg", {"weighting": "uniform"}), ("fedopt", {"server_optimizer": "lamb"}),
     ("fedavgm", {}), ("bmuf", {}),
     ("sync-sgd", {}), ("gtc", {}), ("scaffold", {}), ("feddyn", {}), ("fedprox", {}),
      *((f"{FLOWER}{name}", {}) for name in ("FedAvg", "FedAvgM", "FedAdam", "FedYogi",
     "FedAdagrad")), (f"{FLOWER}FedProx", {"proximal_mu": 0.1}), (f"{FLOWER}FedAdam", {"weighted_by_key": "uniform"})],
)  # fmt: skip
def test_an_averaging_strategy_takes_it_and_is_made_to_address_everybody(
    strategy: str, options: dict[str, Any]
) -> None:
    row, training = _row(strategy, **options), TrainingSpec(silos_per_round=3)
    found = build_strategy(row, training, 7)
    assert boundary_protection(row, found) == SiloNoise()
    assert (found.fraction_train, found.min_train_nodes) == (1.0, 7)  # type: ignore[attr-defined]
    plain: Any = build_strategy(_row(strategy, "none", **options), training, 7)
    assert plain.min_train_nodes == 3


def test_block_momentum_goes_by_the_cohort_that_is_expected() -> None:
    training = TrainingSpec(silos_per_round=3, rounds=100)
    private: Any = build_strategy(_row("bmuf"), training, 7)
    plain: Any = build_strategy(_row("bmuf", "none"), training, 7)
    assert private.outer.momentum == plain.outer.momentum == pytest.approx(2 / 3)


def test_a_strategy_may_be_made_for_a_protection() -> None:
    row = _row("dp-fedavg", "none", epsilon=3.0, clip_norm=0.5)
    strategy = build_strategy(row, TrainingSpec(), 7)
    assert row_protection(row, strategy) == SiloNoise(epsilon=3.0, clip_norm=0.5)
    assert protection_name(row, strategy) == "silo-noise"
    plain = _row("fedavg", "none")
    assert row_protection(plain, build_strategy(plain, TrainingSpec(), 7)) == Unprotected()
    assert boundary_protection(plain, build_strategy(plain, TrainingSpec(), 7)) is None
    assert protection_name(plain, build_strategy(plain, TrainingSpec(), 7)) == "none"
