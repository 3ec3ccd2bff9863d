"""Federated averaging (McMahan et al. 2017), with server momentum or Adam as options."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg as FlowerFedAvg
from numpy.typing import NDArray

from fedasr.common.settings import Mistake, Settings, number, one_of
from fedasr.messages.records import array_record, arrays_of
from fedasr.messages.train_reply import SPEECH_SECONDS
from fedasr.messages.train_request import TELL_SECONDS
from fedasr.server.outer_step import AdamStep, MomentumStep

WEIGHTS = {"utterances": "num-examples", "uniform": "uniform", "seconds": SPEECH_SECONDS}
"""The metric of a reply by which a silo counts."""


@dataclass(frozen=True)
class FedAvgSettings(Settings):
    """How the server takes its step.

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
        ``"utterances"``: a silo counts by its utterances; ``"uniform"``: every silo counts alike; ``"seconds"``: by
        its seconds of speech.
    """

    momentum: float = number(0.0, least=0, below=1)
    nesterov: bool = False
    server_learning_rate: float = number(1.0, above=0, below=math.inf)
    server_optimizer: str = one_of("momentum", "momentum", "adam")
    weighting: str = one_of("utterances", *WEIGHTS)

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse momentum that Adam would not use."""
        if self.server_optimizer == "adam":
            yield from self.without_effect("momentum", "nesterov", unless="server_optimizer = 'momentum'")

    def outer_step(self) -> MomentumStep | AdamStep:
        """Return the outer optimizer, new."""
        if self.server_optimizer == "adam":
            return AdamStep(self.server_learning_rate)
        return MomentumStep(self.server_learning_rate, self.momentum, self.nesterov)


class FedAvg(FlowerFedAvg):
    """Silos train, the server takes a step towards the mean of their models.

    Parameters
    ----------
    settings : FedAvgSettings, optional
    **sampling
        What Flower's FedAvg takes, such as ``fraction_train``; fedasr sets it.
    """

    settings_class: ClassVar[type[Settings]] = FedAvgSettings
    reduce: ClassVar[str] = "weighted_mean"

    def __init__(self, settings: FedAvgSettings | None = None, **sampling: Any) -> None:
        settings = settings or FedAvgSettings()
        super().__init__(weighted_by_key=WEIGHTS[settings.weighting], **sampling)
        self.outer = settings.outer_step()
        self.weights: dict[str, NDArray[np.floating]] = {}
        self.sent: dict[str, NDArray[np.floating]] = {}

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
        moved = self.outer.step(self.weights, self.sent, arrays_of(mean))
        self.weights, self.sent = {}, {}  # what is left here between rounds is saved with each checkpoint
        return array_record(moved), metrics


def ask_for_weight(config: ConfigRecord, metric: str) -> None:
    """Have silos say how much speech they have, where that is what they count by."""
    if metric == SPEECH_SECONDS:
        config[TELL_SECONDS] = True
