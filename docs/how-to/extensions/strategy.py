"""A strategy: FedExP (Jhunjhunwala et al., ICLR 2023), averaging whose step grows where the silos disagree."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg

from fedasr.messages.records import array_record, arrays_of


class FedExP(FedAvg):
    """The server's rate is ``max(1, Σ‖Δ_i‖² / (2 M (‖mean Δ‖² + epsilon)))`` in every round.

    Parameters
    ----------
    epsilon : float
        Keeps the rate finite where all changes cancel.
    **sampling
        What Flower's FedAvg takes.
    """

    def __init__(self, epsilon: float = 1e-3, **sampling: Any) -> None:
        super().__init__(**sampling)
        self.epsilon = epsilon
        self.sent = ArrayRecord()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Send the model, and remember it."""
        self.sent = arrays
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Take the step along the mean change."""
        good = [reply for reply in replies if reply.has_content()]
        mean, metrics = super().aggregate_train(server_round, good)
        if mean is None:
            return None, metrics
        sent, average = _flat(self.sent), _flat(mean)
        lengths = [_square(_flat(next(iter(r.content.array_records.values()))) - sent) for r in good]
        rate = max(1.0, sum(lengths) / (2 * len(good) * (_square(average - sent) + self.epsilon)))
        old, new = arrays_of(self.sent), arrays_of(mean)
        moved = {name: (old[name] + rate * (new[name] - old[name])).astype(np.float32) for name in old}
        return array_record(moved), metrics


def _flat(record: ArrayRecord) -> np.ndarray:
    return np.concatenate([array.reshape(-1) for array in arrays_of(record).values()])


def _square(vector: np.ndarray) -> float:
    return float(np.square(vector, dtype=np.float64).sum())
