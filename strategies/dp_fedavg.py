"""DP-FedAvg (McMahan et al. 2018, arXiv 1710.06963): averaging that hides any one silo.

Plain averaging under the protection ``silo-noise``, which draws the cohort, clips, adds the noise, and says what is
promised: `fedasr.protection.silo_noise.plan`. Server steps, momentum and the mean of models by which the row is scored
only look at releases.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg as FlowerFedAvg
from numpy.typing import NDArray

from fedasr.common.settings import Settings, number, one_of
from fedasr.experiment.training import TrainingSpec
from fedasr.messages.coded.returned import LAYERS
from fedasr.messages.kinds import GRADIENT, TRAIN
from fedasr.messages.records import array_record, arrays_of
from fedasr.protection.silo_noise.protection import SiloNoise
from fedasr.protection.silo_noise.settings import SiloNoiseSettings
from fedasr.server.conditions import Conditions
from fedasr.server.outer_step import MomentumStep
from fedasr.server.work.recipe import Recipe
from fedasr.server.work.workload import Asked, RowWork, rounds_of
from fedasr.student.trainer import TrainerSpec
from fedasr.training.iterates import ONE_MEAN


@dataclass(frozen=True)
class DPFedAvgSettings(SiloNoiseSettings):
    """What is promised, and what is done with the noisy mean.

    Parameters
    ----------
    layers : tuple of str
        Patterns of the parameters that are trained, sent and noised, such as ``"ctc.*"``; the rest stays public.
    server_learning_rate : float
        Of the step with the noisy mean; it cannot change the privacy.
    server_momentum : float
        Of the same step; nor can it.
    exchange : str
        ``"model"`` (local steps, then the change) or ``"gradient"`` (DP-SGD at the level of silos: the change
        that one mini-batch asks for).
    """

    layers: tuple[str, ...] = ("*",)
    server_learning_rate: float = number(1.0, above=0, below=math.inf)
    server_momentum: float = number(0.0, least=0, below=1)
    exchange: str = one_of("model", "model", "gradient")
    former: ClassVar[Mapping[str, str]] = {"average": ONE_MEAN}

    def protection(self) -> SiloNoise:
        """Return the protection."""
        return SiloNoise(**{field.name: getattr(self, field.name) for field in fields(SiloNoiseSettings)})


class DPFedAvg(FlowerFedAvg):
    """User-level differential privacy: clipped changes, Poisson cohorts, noise at the server.

    Parameters
    ----------
    settings : DPFedAvgSettings, optional
    **sampling
        What Flower's FedAvg takes; fedasr sets it.

    Attributes
    ----------
    protection : SiloNoise
        What the strategy is made for.
    """

    settings_class: ClassVar[type[Settings]] = DPFedAvgSettings
    reduce: ClassVar[str] = "weighted_mean"

    def __init__(self, settings: DPFedAvgSettings | None = None, **sampling: Any) -> None:
        self.settings = settings or DPFedAvgSettings()
        super().__init__(weighted_by_key="uniform", **sampling)
        self.protection = self.settings.protection()
        self.kind = TRAIN if self.settings.exchange == "model" else GRADIENT
        self.outer = MomentumStep(self.settings.server_learning_rate, self.settings.server_momentum)
        self.weights: dict[str, NDArray[Any]] = {}

    def workload(self, asked: Asked) -> RowWork:
        """Return rounds of local work, or of one gradient a silo."""
        return rounds_of(asked.of_a_round() if self.kind == TRAIN else asked.of_steps(1), asked)

    def recipe(self, training: TrainingSpec, central: TrainerSpec) -> Recipe:
        """Return how a change is made."""
        return Recipe.of_silos(training, "" if self.kind == TRAIN else "1 gradient")

    def lacking(self, conditions: Conditions) -> Iterable[str]:
        """Yield why silos cannot send gradients, where they are to, and which patterns of layers fit none."""
        if self.kind == GRADIENT:
            yield from conditions.gradients()
        yield from conditions.layers(self.settings.layers)

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Ask all silos for the layers that are trained, or for their change."""
        self.weights = arrays_of(arrays)
        config[LAYERS] = list(self.settings.layers)
        asked = super().configure_train(server_round, arrays, config, grid)
        return [Message(m.content, m.metadata.dst_node_id, self.kind.name) for m in asked]

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Move the model by the noisy mean."""
        mean, metrics = super().aggregate_train(server_round, replies)
        before, self.weights = self.weights, {}  # what is left here is saved with each checkpoint
        if mean is None:
            return None, metrics
        found = arrays_of(mean)
        if self.kind == TRAIN:
            found = {name: np.subtract(found[name], array, dtype=np.float64) for name, array in before.items()}
        return array_record(self.outer.move(before, found)), metrics
