"""FedNova (Wang et al., NeurIPS 2020): silos that take more steps pull no harder.

Where silos take unlike numbers of steps (``training.local_epochs``), averaging minimises another objective than the
mean of their losses. Here each silo's change is divided by how far its steps reach, and the mean of these multiplied by
how far steps reach on average:

    x ← x - τ_eff Σ p_i η d_i,   η d_i = (x - y_i) / ‖a_i‖₁,   τ_eff = Σ p_i ‖a_i‖₁

p_i is the silo's share of the cohort by its weight, and a_i how much each of its gradients moves it, in units of -η
(section 3): all ones for SGD, ``(1 - ρ^{τ-k}) / (1 - ρ)`` with momentum ρ, ``(1 - ημ)^{τ-1-k}`` with a proximal term μ.
With equal steps this is federated averaging.
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

from fedasr.asr.recogniser import Weights
from fedasr.common.settings import Settings, number, one_of
from fedasr.experiment.training import TrainingSpec
from fedasr.messages.kinds import Kind
from fedasr.messages.metrics import number_of
from fedasr.messages.records import CHANGE, METRICS, array_record, arrays_of
from fedasr.silo.client import Answer, ClientHalf, refuse_all_but_sgd
from fedasr.silo.corrections import pulled
from fedasr.silo.train import learning_rate
from fedasr.silo.work import Work

from .outer_averaging import WEIGHTS, ask_for_weight

REACH = "reach"
"""The metric of a reply that holds ‖a_i‖₁."""
NORMALISED = Kind("train", "row", averaged=True, coded=True, carries=(CHANGE,))
"""Train this model and send the change that a step made on average."""


@dataclass(frozen=True)
class FedNovaClient(ClientHalf):
    """What a silo does.

    Parameters
    ----------
    proximal : float
        μ, the strength of the pull towards the model that was sent, as in FedProx.
    """

    reads_rounds: ClassVar[bool] = False

    proximal: float = number(0.0, least=0, below=math.inf)

    def check(self, training: TrainingSpec) -> None:
        """Refuse all but SGD."""
        refuse_all_but_sgd(training, "FedNova")

    def answers(self) -> Mapping[Kind, Answer]:
        """Return what is done with a model to train."""
        return {NORMALISED: self.train}

    def train(self, work: Work, content: RecordDict) -> RecordDict:
        """Take the local steps, and tell the change that each of them made on average."""
        request, spec = work.request(content), work.training
        work.recogniser.load(request.weights)
        pull = pulled(work.recogniser, request.weights, self.proximal) if self.proximal else None
        trained = work.descend(request, pull)
        far = reach(trained.steps, learning_rate(spec, request.round) * self.proximal, spec.momentum)
        change: Weights = {n: (array - request.weights[n]) / far for n, array in work.recogniser.weights().items()}
        reply = work.reply(request, trained, change, CHANGE)
        reply.metric_records[METRICS][REACH] = far
        return reply


def reach(steps: int, pulled: float, momentum: float) -> float:
    """Return ‖a‖₁, where each step pulls a silo back by the share `pulled` = ημ of its distance from the start."""
    total = moved = velocity = 0.0
    for step in range(steps):  # how far the first gradient has moved it by now; one of step k moves it as far
        velocity = momentum * velocity + (step == 0) - pulled * moved
        moved += velocity
        total += abs(moved)
    return total


@dataclass(frozen=True)
class FedNovaSettings(FedNovaClient):
    """How silos count, and what they do.

    Parameters
    ----------
    weighting : str
        p_i is a silo's share by ``"utterances"``, ``"uniform"`` or ``"seconds"``.
    """

    weighting: str = one_of("utterances", *WEIGHTS)


class FedNova(FlowerFedAvg):
    """Normalised averaging.

    Parameters
    ----------
    settings : FedNovaSettings, optional
    **sampling
        What Flower's FedAvg takes; fedasr sets it.
    """

    settings_class: ClassVar[type[Settings]] = FedNovaSettings
    reduce: ClassVar[str] = "weighted_mean"
    needs_metrics: ClassVar[tuple[str, ...]] = (REACH,)

    def __init__(self, settings: FedNovaSettings | None = None, **sampling: Any) -> None:
        settings = settings or FedNovaSettings()
        super().__init__(weighted_by_key=WEIGHTS[settings.weighting], **sampling)
        self.client = FedNovaClient(settings.proximal)
        self.sent = ArrayRecord()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Send the model to the silos of the round."""
        self.sent = arrays
        ask_for_weight(config, self.weighted_by_key)
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Move the model by the mean change of a step, as many times as steps reach on average."""
        mean, metrics = super().aggregate_train(server_round, replies)
        sent, self.sent = arrays_of(self.sent), ArrayRecord()
        if mean is None or metrics is None:
            return None, metrics
        far, change = number_of(metrics, REACH, float), arrays_of(mean)
        moved = {name: array + far * np.asarray(change[name], np.float64) for name, array in sent.items()}
        return array_record({name: moved[name].astype(array.dtype) for name, array in sent.items()}), metrics
