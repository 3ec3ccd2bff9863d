"""A strategy that would wait for silos that never come is refused, and the option is named."""

from __future__ import annotations

import math
from typing import Any

import pytest
from fedasr.strategies.fedavg import FedAvg
from flwr.serverapp import strategy as flower
from flwr.serverapp.strategy import Strategy
from hypothesis import given
from hypothesis import strategies as st

from fedasr.server.foreign.cohort import cohort_faults

SILOS = 7


@pytest.mark.parametrize(
    ("options", "name", "says"),
    [
        ({"min_available_nodes": 100}, "min_available_nodes", "7 silos"),
        ({"min_train_nodes": 8}, "min_train_nodes", "7 silos"),
        ({"min_evaluate_nodes": 9}, "min_evaluate_nodes", "7 silos"),
        ({"fraction_train": 2.0}, "fraction_train", "7 silos"),
        ({"fraction_evaluate": 1.5}, "fraction_evaluate", "7 silos"),
        ({"fraction_train": -1}, "fraction_train", "from 0 to 1"),
        ({"fraction_train": math.nan}, "fraction_train", "nan"),
        ({"fraction_train": math.inf}, "fraction_train", "from 0 to 1"),
        ({"fraction_train": "all"}, "fraction_train", "'all'"),
        ({"fraction_train": 0.0}, "fraction_train", "7 silos"),
        ({"min_train_nodes": -2}, "min_train_nodes", "7"),
        ({"min_train_nodes": 2.5}, "min_train_nodes", "2.5"),
        ({"min_available_nodes": True}, "min_available_nodes", "True"),
    ],
)
@pytest.mark.parametrize("cls", [flower.FedAvg, flower.FedMedian, flower.Krum, FedAvg])
def test_what_cannot_be_drawn_is_refused_by_name(cls: Any, options: dict[str, Any], name: str, says: str) -> None:
    (line,) = cohort_faults(cls(**options), SILOS)
    assert line.startswith(f"'{name}' ")
    assert says in line
    outer = flower.DifferentialPrivacyServerSideFixedClipping(cls(**options), 0.1, 1.0, SILOS)
    assert line in cohort_faults(outer, SILOS)


def test_noise_for_another_cohort_is_refused() -> None:
    def wrapped(told: int) -> Strategy:
        return flower.DifferentialPrivacyServerSideFixedClipping(flower.FedAvg(fraction_train=0.5), 0.1, 1.0, told)

    assert cohort_faults(wrapped(3), SILOS) == []
    (line,) = cohort_faults(wrapped(100), SILOS)
    assert "num_sampled_clients" in line
    assert "3 of 7" in line


@given(st.floats(0.01, 1), st.integers(0, 12), st.integers(0, 12), st.integers(1, 10))
def test_what_is_not_refused_can_be_drawn(fraction: float, least: int, available: int, silos: int) -> None:
    strategy = flower.FedAvg(fraction, 0.0, least, 0, available)
    needed = max(int(silos * fraction), least, available)
    assert bool(cohort_faults(strategy, silos)) == (needed > silos)
