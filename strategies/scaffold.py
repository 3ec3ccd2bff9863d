"""SCAFFOLD (Karimireddy et al., ICML 2020): control variates take out of each silo's steps what is that silo's alone.

Algorithm 1 with option II. With c_i, the mean of the gradients that silo i stepped along when it last took part, and c,
the mean of the c_i of all N silos, whether they took part or not:

    y ← y - η (g_i(y) - c_i + c)                 K local steps from x, in each silo of the cohort S
    c_i⁺ = mean of those g_i(y)                  for plain SGD this is c_i - c + (x - y) / (K η)
    x ← x + η_g · mean over S of (y - x),   c ← c + (1/N) · sum over S of (c_i⁺ - c_i)

What is kept is the mean of the gradients, not what the distance implies: under momentum, weight decay or a clip that is
no gradient. Gradients count as they were clipped to ``training.gradient_norm``, and every silo counts alike, as in the
paper. The variates travel beside the model in both directions: twice its bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid
from numpy.typing import NDArray
from torch import Tensor

from fedasr.common.settings import Settings, number
from fedasr.experiment.training import TrainingSpec
from fedasr.messages.kinds import Kind
from fedasr.messages.records import ARRAYS, array_record, arrays_of
from fedasr.server.beside import taken, weight_of
from fedasr.server.outer_step import MomentumStep
from fedasr.silo.client import Answer, ClientHalf, refuse_all_but_sgd
from fedasr.silo.corrections import shifted
from fedasr.silo.work import Work

from .outer_averaging import OuterAveraging

VARIATE, VARIATE_CHANGE = "variate", "variate-change"
"""The records of a control variate, and of how far a silo's own has moved."""
CONTROLLED = Kind("train", "row", averaged=True, coded=True, carries=(ARRAYS, VARIATE_CHANGE))
"""Train this model, your gradients corrected, and send it back with the change of your control variate."""


@dataclass(frozen=True)
class ScaffoldClient(ClientHalf):
    """What a silo does: it corrects its gradients and keeps its own control variate."""

    reads_rounds: ClassVar[bool] = False

    def check(self, training: TrainingSpec) -> None:
        """Refuse all but SGD."""
        refuse_all_but_sgd(training, "SCAFFOLD")

    def answers(self) -> Mapping[Kind, Answer]:
        """Return what is done with a model to train."""
        return {CONTROLLED: self.train}

    def train(self, work: Work, content: RecordDict) -> RecordDict:
        """Take the local steps along corrected gradients."""
        request, common = work.request(content), arrays_of(content.array_records[VARIATE])
        work.recogniser.load(request.weights)
        own = work.kept(VARIATE) or {name: np.zeros_like(array) for name, array in common.items()}
        correct = shifted(work.recogniser, {name: common[name] - own[name] for name in common})
        total = {name: torch.zeros_like(value) for name, value in work.recogniser.named_parameters()}

        def counted(gradient: Mapping[str, Tensor]) -> None:
            for name, part in gradient.items():
                total[name].add_(part)
            correct(gradient)

        trained = work.descend(request, counted)
        new = {name: (value / trained.steps).cpu().numpy() for name, value in total.items()}
        work.keep(VARIATE, new)
        return work.reply(request, trained, others={VARIATE_CHANGE: {name: new[name] - own[name] for name in own}})


@dataclass(frozen=True)
class ScaffoldSettings(Settings):
    """How the server takes its step.

    Parameters
    ----------
    server_learning_rate : float
        η_g, which scales the step towards the mean of the silos' models.
    """

    server_learning_rate: float = number(1.0, above=0, below=math.inf)


class Scaffold(OuterAveraging):
    """Averaging of silos whose gradients are corrected by control variates.

    Parameters
    ----------
    settings : ScaffoldSettings, optional
    **sampling
        What Flower's FedAvg takes; fedasr sets it.
    """

    settings_class: ClassVar[type[Settings]] = ScaffoldSettings
    reduce: ClassVar[str] = "weighted_mean"

    def __init__(self, settings: ScaffoldSettings | None = None, **sampling: Any) -> None:
        rate = (settings or ScaffoldSettings()).server_learning_rate
        super().__init__(MomentumStep(rate), "uniform", **sampling)
        self.client = ScaffoldClient()
        self.silos = 0
        self.variate: dict[str, NDArray[np.float64]] = {}

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Send the model and c to the silos of the round."""
        self.silos, model = len(list(grid.get_node_ids())), arrays_of(arrays)
        self.variate = self.variate or {name: np.zeros(array.shape) for name, array in model.items()}
        common = array_record({name: self.variate[name].astype(array.dtype) for name, array in model.items()})
        messages = list(super().configure_train(server_round, arrays, config, grid))
        for message in messages:
            message.content[VARIATE] = common
        return messages

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Move c by what all silos moved, those that were not asked by nothing, and the model to the mean."""
        replies = list(replies)
        share = weight_of(replies, self.weighted_by_key) / self.silos
        for name, change in taken(replies, VARIATE_CHANGE, self.weighted_by_key).items():
            self.variate[name] = self.variate[name] + share * change
        return super().aggregate_train(server_round, replies)
