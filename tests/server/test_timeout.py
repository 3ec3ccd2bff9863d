"""A row's `training.timeout_seconds` reaches the grid with every message that asks for training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.unequal import run_unequal

from fedasr.grid.in_process import InProcessGrid

STRATEGIES = ["fedavg", "bmuf", "sync-sgd", "dp-fedavg", "flwr.serverapp.strategy:FedAdam"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_silos_are_waited_for_as_long_as_the_row_says(
    strategy: str, unequal_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a grid does when the time is up is seen in `tests/grid/test_faults.py`; this process cannot stop a silo."""
    waited: list[float | None] = []
    real: Any = InProcessGrid._exchange

    def exchange(self: InProcessGrid, what: Any, groups: Any, timeout: float | None) -> Any:
        waited.append(timeout)
        return real(self, what, groups, timeout)

    monkeypatch.setattr(InProcessGrid, "_exchange", exchange)
    row = {"name": "row", "strategy": strategy, "training": {"timeout_seconds": 7.5, "rounds": 2}}
    (found,) = run_unequal(unequal_corpus, tmp_path / "run", row)
    assert found["status"] == "finished", found["failure"]
    assert waited == [7.5, 7.5]
