"""What strategies have in common that average the silos' models and take a step towards their mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg as FlowerFedAvg
from numpy.typing import NDArray

from fedasr.messages.records import array_record, arrays_of
from fedasr.messages.train_reply import SPEECH_SECONDS
from fedasr.messages.train_request import TELL_SECONDS
from fedasr.server.adaptive_step import AdaptiveStep
from fedasr.server.outer_step import MomentumStep

WEIGHTS = {"utterances": "num-examples", "uniform": "uniform", "seconds": SPEECH_SECONDS}
"""The metric of a reply by which a silo counts."""


class OuterAveraging(FlowerFedAvg):
    """Silos train, the server takes a step of an outer optimizer towards the mean of their models.

    Parameters
    ----------
    outer : MomentumStep or AdaptiveStep
    weighting : str
        A key of `WEIGHTS`.
    **sampling
        What Flower's FedAvg takes, such as ``fraction_train``; fedasr sets it.
    """

    reduce: ClassVar[str] = "weighted_mean"

    def __init__(self, outer: MomentumStep | AdaptiveStep, weighting: str, **sampling: Any) -> None:
        super().__init__(weighted_by_key=WEIGHTS[weighting], **sampling)
        self.outer = outer
        self.weights: dict[str, NDArray[np.floating]] = {}
        self.sent: dict[str, NDArray[np.floating]] = {}

    def rate(self, round: int) -> float:
        """Return the server's learning rate of a round; by default that of the outer optimizer."""
        return self.outer.rate

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Send the model, or its look-ahead, to the silos of the round."""
        self.weights = arrays_of(arrays)
        self.sent = dict(self.outer.ahead(self.weights))
        ask_for_weight(config, self.weighted_by_key)
        return super().configure_train(server_round, array_record(self.sent), config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Take the server's step towards the mean of the replies."""
        mean, metrics = super().aggregate_train(server_round, replies)
        if mean is None:
            return None, metrics
        self.outer.rate = self.rate(server_round)
        moved = self.outer.step(self.weights, self.sent, arrays_of(mean))
        self.weights, self.sent = {}, {}  # what is left here between rounds is saved with each checkpoint
        return array_record(moved), metrics


def ask_for_weight(config: ConfigRecord, metric: str) -> None:
    """Have silos say how much speech they have, where that is what they count by."""
    if metric == SPEECH_SECONDS:
        config[TELL_SECONDS] = True
