"""FedDyn (Acar et al., ICLR 2021): each silo's objective is bent so that all of them have one minimum.

Algorithm 1, each minimum sought by the row's local SGD. With g_k, the gradient of silo k's loss where it ended last:

    θ_k ≈ argmin L_k(θ) - ⟨g_k, θ⟩ + α/2 ‖θ - θ_t‖²,   g_k ← g_k - α (θ_k - θ_t)        in each silo of the cohort P
    h ← h - α (1/m) · sum over P of (θ_k - θ_t),          θ ← mean over P of θ_k - h / α     at the server

m counts all silos, whether they took part or not, and every silo counts alike, as in the paper. g_k stays in its silo.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg as FlowerFedAvg
from numpy.typing import NDArray
from torch import Tensor

from fedasr.common.settings import Settings, number
from fedasr.experiment.training import TrainingSpec
from fedasr.messages.kinds import TRAIN, Kind
from fedasr.messages.records import array_record, arrays_of
from fedasr.server.beside import weight_of
from fedasr.silo.client import Answer, ClientHalf, refuse_all_but_sgd
from fedasr.silo.corrections import pulled, shifted
from fedasr.silo.work import Work

HELD = "gradient"
"""The record of a silo's state that holds g_k."""


@dataclass(frozen=True)
class FedDynSettings(ClientHalf):
    """What a silo does, and with the same α the server.

    Parameters
    ----------
    alpha : float
        α, the strength of the pull towards the model that was sent.
    """

    reads_rounds: ClassVar[bool] = False

    alpha: float = number(0.1, above=0, below=math.inf)

    def check(self, training: TrainingSpec) -> None:
        """Refuse all but SGD."""
        refuse_all_but_sgd(training, "FedDyn")

    def answers(self) -> Mapping[Kind, Answer]:
        """Return what is done with a model to train."""
        return {TRAIN: self.train}

    def train(self, work: Work, content: RecordDict) -> RecordDict:
        """Take the local steps down the bent objective."""
        request, model = work.request(content), work.recogniser
        model.load(request.weights)
        held = work.kept(HELD) or {name: np.zeros_like(array) for name, array in request.weights.items()}
        pull, shift = pulled(model, request.weights, self.alpha), shifted(model, {n: -g for n, g in held.items()})

        def bend(gradient: Mapping[str, Tensor]) -> None:
            pull(gradient)
            shift(gradient)

        trained, end = work.descend(request, bend), model.weights()
        work.keep(HELD, {name: g - self.alpha * (end[name] - request.weights[name]) for name, g in held.items()})
        return work.reply(request, trained)


class FedDyn(FlowerFedAvg):
    """Averaging of silos with dynamic regularisation.

    Parameters
    ----------
    settings : FedDynSettings, optional
    **sampling
        What Flower's FedAvg takes; fedasr sets it.
    """

    settings_class: ClassVar[type[Settings]] = FedDynSettings
    reduce: ClassVar[str] = "weighted_mean"

    def __init__(self, settings: FedDynSettings | None = None, **sampling: Any) -> None:
        super().__init__(weighted_by_key="uniform", **sampling)
        self.client = settings or FedDynSettings()
        self.silos = 0
        self.sent = ArrayRecord()
        self.held: dict[str, NDArray[np.floating]] = {}

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Send the model to the silos of the round."""
        self.sent, self.silos = arrays, len(list(grid.get_node_ids()))
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Move h by what all silos moved, and the model to the mean without it."""
        replies = list(replies)
        share = weight_of(replies, self.weighted_by_key) / self.silos
        mean, metrics = super().aggregate_train(server_round, replies)
        sent, self.sent = arrays_of(self.sent), ArrayRecord()
        if mean is None:
            return None, metrics
        moved = {}
        for name, end in arrays_of(mean).items():
            far = np.asarray(end, np.float64) - sent[name]
            self.held[name] = self.held.get(name, 0.0) - self.client.alpha * share * far
            moved[name] = (end - self.held[name] / self.client.alpha).astype(sent[name].dtype)
        return array_record(moved), metrics
