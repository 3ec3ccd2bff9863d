"""Federated averaging (McMahan et al. 2017), with server momentum or Adam as options."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg as FlowerFedAvg
from numpy.typing import NDArray

from fedasr.common.errors import UserError
from fedasr.messages.records import array_record, arrays_of
from fedasr.server.outer_step import AdamStep, MomentumStep


class FedAvg(FlowerFedAvg):
    """Silos train, the server takes a step towards the mean of their models.

    Parameters
    ----------
    momentum : float
        Server momentum; with 0 the mean itself is the next model.
    nesterov : bool
        Send the look-ahead of the momentum.
    server_learning_rate : float
        Scales the step towards the mean.
    server_optimizer : str
        ``"momentum"`` or ``"adam"``.
    weighting : str
        ``"utterances"``: a silo counts by its utterances; ``"uniform"``: every silo counts alike.
    **sampling
        What Flower's FedAvg takes, such as ``fraction_train``.
    """

    reduce: ClassVar[str] = "weighted_mean"

    def __init__(
        self, momentum: float = 0.0, nesterov: bool = False, server_learning_rate: float = 1.0,
        server_optimizer: str = "momentum", weighting: str = "utterances", **sampling: Any,
    ) -> None:  # fmt: skip
        if weighting not in WEIGHTS:
            raise UserError(f"'weighting' is '{weighting}'; known: {', '.join(WEIGHTS)}")
        super().__init__(weighted_by_key=WEIGHTS[weighting], **sampling)
        self.outer = make_outer(server_optimizer, momentum, nesterov, server_learning_rate)
        self.weights: dict[str, NDArray[np.floating]] = {}
        self.sent: dict[str, NDArray[np.floating]] = {}

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Send the model, or its look-ahead, to the silos of the round."""
        self.weights = arrays_of(arrays)
        self.sent = dict(self.outer.ahead(self.weights))
        return super().configure_train(server_round, array_record(self.sent), config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Take the server's step towards the mean of the replies."""
        mean, metrics = super().aggregate_train(server_round, replies)
        if mean is None:
            return None, metrics
        moved = self.outer.step(self.weights, self.sent, arrays_of(mean))
        self.weights, self.sent = {}, {}  # what is left here between rounds is saved with each checkpoint
        return array_record(moved), metrics


WEIGHTS = {"utterances": "num-examples", "uniform": "uniform"}


def make_outer(optimizer: str, momentum: float, nesterov: bool, learning_rate: float) -> MomentumStep | AdamStep:
    """Return the outer optimizer of a name."""
    if optimizer not in ("momentum", "adam"):
        raise UserError(f"'server_optimizer' is '{optimizer}'; known: momentum, adam")
    if not isinstance(momentum, (int, float)) or not 0 <= momentum < 1:
        raise UserError(f"'momentum' must be at least 0 and below 1, not {momentum!r}")
    if not isinstance(learning_rate, (int, float)) or not 0 < learning_rate < math.inf:
        raise UserError(f"'server_learning_rate' must be above 0, not {learning_rate!r}")
    return AdamStep(learning_rate) if optimizer == "adam" else MomentumStep(learning_rate, momentum, nesterov)
