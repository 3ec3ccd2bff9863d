"""Federated averaging (McMahan et al. 2017), with server optimizers as options."""

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

from fedasr.common.settings import Mistake, Settings, number, one_of, share
from fedasr.messages.records import array_record, arrays_of
from fedasr.messages.train_reply import SPEECH_SECONDS
from fedasr.messages.train_request import TELL_SECONDS
from fedasr.server.adaptive_step import SECOND_MOMENTS, AdaptiveStep
from fedasr.server.outer_step import MomentumStep
from fedasr.server.server_schedule import SCHEDULES, scheduled

WEIGHTS = {"utterances": "num-examples", "uniform": "uniform", "seconds": SPEECH_SECONDS}
"""The metric of a reply by which a silo counts."""
FIRST_MOMENTS = {"adagrad": 0.0}
"""β1 of an adaptive optimizer by default, where it is not 0.9."""


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
        Scales the step towards the mean; of an adaptive optimizer see `step_length`.
    server_optimizer : str
        ``"momentum"``, or one of Reddi et al. (2021): ``"adam"``, ``"yogi"``, ``"adagrad"``.
    weighting : str
        ``"utterances"``: a silo counts by its utterances; ``"uniform"``: every silo counts alike; ``"seconds"``: by
        its seconds of speech.
    first_moment : float, optional
        Adaptive optimizers: β1; by default 0.9, and 0 for Adagrad.
    second_moment : float, optional
        Adam and Yogi: β2; by default 0.99.
    tau : float, optional
        Adaptive optimizers: τ, the degree of adaptivity; by default the root mean square of the first mean change.
    step_length : str
        Adaptive optimizers: ``"mean change"`` makes the step as long as the server's learning rate times the mean
        change, as plain averaging does; ``"published"`` multiplies each value's direction by the rate.
    server_schedule : str
        ``"constant"``, or the server's learning rate falls over the rounds: ``"linear"``, ``"cosine"``.
    server_warmup : float
        The share of the rounds in which the server's learning rate climbs first.
    """

    momentum: float = number(0.0, least=0, below=1)
    nesterov: bool = False
    server_learning_rate: float = number(1.0, above=0, below=math.inf)
    server_optimizer: str = one_of("momentum", "momentum", *SECOND_MOMENTS)
    weighting: str = one_of("utterances", *WEIGHTS)
    first_moment: float | None = number(None, least=0, below=1)
    second_moment: float | None = number(None, least=0, below=1)
    tau: float | None = number(None, above=0, below=math.inf)
    step_length: str = one_of("mean change", "mean change", "published")
    server_schedule: str = one_of("constant", *SCHEDULES)
    server_warmup: float = share(0.0)

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse what the optimizer does not use."""
        if self.server_optimizer == "momentum":
            keys = ("first_moment", "second_moment", "tau", "step_length")
            yield from self.without_effect(*keys, unless="server_optimizer = 'adam', 'yogi' or 'adagrad'")
        else:
            yield from self.without_effect("momentum", "nesterov", unless="server_optimizer = 'momentum'")
        if self.server_optimizer == "adagrad":
            yield from self.without_effect("second_moment", unless="server_optimizer = 'adam' or 'yogi'")
        if self.server_optimizer == "momentum" and self.momentum == 0:
            yield from self.without_effect("nesterov", unless="momentum above 0")

    def outer_step(self) -> MomentumStep | AdaptiveStep:
        """Return the outer optimizer, new."""
        if self.server_optimizer == "momentum":
            return MomentumStep(self.server_learning_rate, self.momentum, self.nesterov)
        first = FIRST_MOMENTS.get(self.server_optimizer, 0.9) if self.first_moment is None else self.first_moment
        second = 0.99 if self.second_moment is None else self.second_moment
        published = self.step_length == "published"
        return AdaptiveStep(self.server_optimizer, self.server_learning_rate, first, second, self.tau, published)

    def rate(self, round: int, rounds: int) -> float:
        """Return the server's learning rate of a round."""
        return self.server_learning_rate * scheduled(self.server_schedule, self.server_warmup, round, rounds)


class FedAvg(FlowerFedAvg):
    """Silos train, the server takes a step towards the mean of their models.

    Parameters
    ----------
    settings : FedAvgSettings, optional
    blocks : int
        The rounds, over which a schedule falls; fedasr sets it.
    **sampling
        What Flower's FedAvg takes, such as ``fraction_train``; fedasr sets it.
    """

    settings_class: ClassVar[type[Settings]] = FedAvgSettings
    reduce: ClassVar[str] = "weighted_mean"

    def __init__(self, settings: FedAvgSettings | None = None, blocks: int = 1, **sampling: Any) -> None:
        settings = settings or FedAvgSettings()
        super().__init__(weighted_by_key=WEIGHTS[settings.weighting], **sampling)
        self.step_settings, self.rounds = settings, blocks
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
        self.outer.rate = self.step_settings.rate(server_round, self.rounds)
        moved = self.outer.step(self.weights, self.sent, arrays_of(mean))
        self.weights, self.sent = {}, {}  # what is left here between rounds is saved with each checkpoint
        return array_record(moved), metrics


def ask_for_weight(config: ConfigRecord, metric: str) -> None:
    """Have silos say how much speech they have, where that is what they count by."""
    if metric == SPEECH_SECONDS:
        config[TELL_SECONDS] = True
