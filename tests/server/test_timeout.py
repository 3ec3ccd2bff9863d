"""A row's `training.timeout_seconds` reaches the grid with every message that asks for training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.unequal import run_unequal

from fedasr.grid.in_process import InProcessGrid

IN_ROUNDS = ["fedavg", "fedavgm", "sync-sgd", "dp-fedavg", "flwr.serverapp.strategy:FedAdam"]


@pytest.mark.parametrize("strategy", IN_ROUNDS)
def test_silos_are_waited_for_as_long_as_the_row_says(
    strategy: str, unequal_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a grid does when the time is up is seen in `tests/grid/test_faults.py`; this process cannot stop a silo."""
    assert _waited(strategy, {}, unequal_corpus, tmp_path, monkeypatch) == [7.5, 7.5]


@pytest.mark.parametrize(
    ("strategy", "options"),
    [("local-only", {}), ("centralised", {}), ("pate", {"teacher_steps": 1, "votes": "utterance", "epsilon": 50.0})],
)
def test_silos_that_are_asked_outside_rounds_are_waited_for_as_long(
    strategy: str, options: dict[str, Any], unequal_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = _waited(strategy, options, unequal_corpus, tmp_path, monkeypatch)
    assert waited
    assert set(waited) == {7.5}


def _waited(
    strategy: str, options: dict[str, Any], corpus: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> list[float | None]:
    """Run a row, and return how long each exchange was told to wait."""
    waited: list[float | None] = []
    real: Any = InProcessGrid._exchange

    def exchange(self: InProcessGrid, what: Any, requests: Any) -> Any:
        waited.append(what.timeout)
        return real(self, what, requests)

    monkeypatch.setattr(InProcessGrid, "_exchange", exchange)
    training = {"timeout_seconds": 7.5, "rounds": 2}
    row = {"name": "row", "strategy": strategy, "training": training, "options": options}
    (found,) = run_unequal(corpus, folder / "run", row)
    assert found["status"] == "finished", found["failure"]
    return waited
