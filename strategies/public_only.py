"""Public-only: the start, as it is. What any private or federated training has to beat."""

from __future__ import annotations

from typing import Any

from flwr.app import ArrayRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Result

from fedasr.server.central import Central
from fedasr.server.central_strategy import CentralStrategy, result_with


class PublicOnly(CentralStrategy):
    """Trains on nothing beyond the labelled public speech that every row starts from."""

    def start(self, grid: Grid, initial_arrays: ArrayRecord, *, central: Central, **others: Any) -> Result:  # type: ignore[override]
        """Return the start."""
        central.after_round(0, 0, lambda: central.start, lambda: None)
        return result_with(initial_arrays)
