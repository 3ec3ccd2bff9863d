"""Flower warns of an argument that fedasr sets by itself: that is kept from the log, and nothing else."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from flwr.serverapp.strategy import FedAvg

from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.server.strategies_by_name import build_strategy

FLOWER = "flwr.serverapp.strategy:"
WRAPPER = {"noise_multiplier": 0.1, "clipping_norm": 1.0}


class Raining(FedAvg):
    """Warns of something else."""

    def __init__(self, **others: Any) -> None:
        super().__init__(**others)
        logging.getLogger("flwr").warning("it rains")


def said(caplog: pytest.LogCaptureFixture, tiny: Experiment, name: str, **options: Any) -> list[str]:
    with caplog.at_level(logging.WARNING, "flwr"):
        build_strategy(RowSpec("row", name, options=options), tiny.training, 7)
    return [record.getMessage().strip() for record in caplog.records]


@pytest.mark.parametrize(("strategy", "options"), [
    ("fedavg", {}), ("bmuf", {"block_momentum": 0.5}), ("dp-fedavg", {}), (f"{FLOWER}FedAdam", {}),
    (f"{FLOWER}DifferentialPrivacyServerSideFixedClipping", WRAPPER),
    (f"{FLOWER}DifferentialPrivacyServerSideFixedClipping", {**WRAPPER, "strategy": f"{FLOWER}FedMedian"}),
])  # fmt: skip
def test_nothing_is_said_of_what_the_user_did_not_set(
    strategy: str, options: dict[str, Any], caplog: pytest.LogCaptureFixture, tiny: Experiment
) -> None:
    assert said(caplog, tiny, strategy, **options) == []


def test_all_else_is_said(caplog: pytest.LogCaptureFixture, tiny: Experiment) -> None:
    assert said(caplog, tiny, f"{__name__}:Raining") == ["it rains"]
    caplog.clear()
    (line,) = said(caplog, tiny, f"{FLOWER}FedAvg", fraction_evaluate=0.0)
    assert line.startswith("fraction_evaluate")
    caplog.clear()
    with caplog.at_level(logging.WARNING, "flwr"):
        FedAvg(fraction_evaluate=0.0)
    assert "fraction_evaluate" in caplog.text
