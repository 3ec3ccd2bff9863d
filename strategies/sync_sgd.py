"""Synchronous SGD: each silo sends the change that its mini-batch asks for, the server adds their mean."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg as FlowerFedAvg

from fedasr.common.settings import Settings, number, one_of
from fedasr.experiment.training import TrainingSpec
from fedasr.messages.kinds import GRADIENT
from fedasr.messages.records import array_record, arrays_of
from fedasr.messages.train_request import ACCUMULATE
from fedasr.server.conditions import Conditions
from fedasr.server.outer_step import MomentumStep
from fedasr.server.work.recipe import Recipe
from fedasr.server.work.workload import Asked, RowWork, rounds_of
from fedasr.student.trainer import TrainerSpec

from .outer_averaging import WEIGHTS, ask_for_weight


@dataclass(frozen=True)
class SyncSGDSettings(Settings):
    """What a change is made of, and the server's step with the mean of them.

    Parameters
    ----------
    accumulate : int
        Mini-batches whose mean gradient makes one change.
    server_momentum : float
        Of the server's step with the mean change.
    server_learning_rate : float
        Scales that step.
    weighting : str
        ``"uniform"``; ``"utterances"`` or ``"seconds"``: a silo counts by what it holds.
    """

    accumulate: int = number(1, least=1)
    server_momentum: float = number(0.0, least=0, below=1)
    server_learning_rate: float = number(1.0, above=0, below=math.inf)
    weighting: str = one_of("uniform", *WEIGHTS)


class SyncSGD(FlowerFedAvg):
    """The reference of gradient exchange: what arrives is what the codec of the row lets through.

    A change is minus the local learning rate times the clipped gradient, with the local momentum of
    ``training.momentum`` in it. Without server momentum only what some silo sent changes in the model.

    Parameters
    ----------
    settings : SyncSGDSettings, optional
    **sampling
        What Flower's FedAvg takes; fedasr sets it.
    """

    settings_class: ClassVar[type[Settings]] = SyncSGDSettings
    reduce: ClassVar[str] = "weighted_mean"

    def __init__(self, settings: SyncSGDSettings | None = None, **sampling: Any) -> None:
        settings = settings or SyncSGDSettings()
        super().__init__(weighted_by_key=WEIGHTS[settings.weighting], **sampling)
        self.outer = MomentumStep(settings.server_learning_rate, settings.server_momentum)
        self.accumulate = settings.accumulate
        self.weights = ArrayRecord()

    def workload(self, asked: Asked) -> RowWork:
        """Return rounds of so many mini-batches a silo."""
        return rounds_of(asked.of_steps(self.accumulate), asked)

    def recipe(self, training: TrainingSpec, central: TrainerSpec) -> Recipe:
        """Return how a change is made."""
        gradients = f"{self.accumulate} gradient{'s' if self.accumulate > 1 else ''}"
        return Recipe.of_silos(training, gradients)

    def lacking(self, conditions: Conditions) -> Iterable[str]:
        """Return why silos cannot send gradients, if they cannot."""
        return conditions.gradients()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Ask the silos of the round for a change of the model."""
        self.weights = arrays
        config[ACCUMULATE] = self.accumulate
        ask_for_weight(config, self.weighted_by_key)
        asked = super().configure_train(server_round, arrays, config, grid)
        return [Message(m.content, m.metadata.dst_node_id, GRADIENT.name) for m in asked]

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Move the model by the mean change."""
        mean, metrics = super().aggregate_train(server_round, replies)
        weights, self.weights = self.weights, ArrayRecord()  # what is left here is saved with each checkpoint
        if mean is None:
            return None, metrics
        return array_record(self.outer.move(arrays_of(weights), arrays_of(mean))), metrics
