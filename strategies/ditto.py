"""Ditto (Li et al., ICML 2021): beside the common model each silo keeps its own, held near the common one.

Algorithm 1. The common model w is trained as in federated averaging; in the rounds in which silo k takes part it also
takes as many steps

    v_k ← v_k - η (∇F_k(v_k) + λ (v_k - w_t))

from where its own model stood, with batches of their own draws and the row's local optimizer. v_k begins as the common
model that the silo is sent first. λ = 0 is training alone; the larger λ, the nearer to the common model.

The row's score is that of the silos' own models, each on the test speakers, as in ``local-only``: speakers whom no silo
has heard are not whom they are for. So it is also scored on the speech that each silo holds out of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from flwr.app import RecordDict

from fedasr.common.settings import Settings, number
from fedasr.messages.kinds import Kind
from fedasr.messages.records import ARRAYS
from fedasr.server.own_models import OwnModels
from fedasr.silo.client import Answer
from fedasr.silo.corrections import pulled
from fedasr.silo.personal import Arrays, PersonalHalf
from fedasr.silo.work import Work

from .fedavg import FedAvg, FedAvgSettings

OWN = "own model"
"""The record of a silo's state that holds v_k."""
TWICE = Kind("train", "row", averaged=True, coded=True, carries=(ARRAYS,), stretches=2)
"""Train this model and send it back, then go on with your own."""


@dataclass(frozen=True)
class DittoClient(PersonalHalf):
    """What a silo does.

    Parameters
    ----------
    proximal : float
        λ, by which a silo's own model is pulled towards the common one.
    """

    proximal: float = number(0.1, least=0, below=math.inf)

    def answers(self) -> Mapping[Kind, Answer]:
        """Return what is done with a model to train, and with the question after the silo's own."""
        return {**super().answers(), TWICE: self.train}

    def train(self, work: Work, content: RecordDict) -> RecordDict:
        """Train the common model as federated averaging does, then the silo's own."""
        request, model = work.request(content), work.recogniser
        model.load(request.weights)
        reply = work.reply(request, work.descend(request))
        model.load(self.own_model(work, request.weights))
        work.descend(request, pulled(model, request.weights, self.proximal) if self.proximal else None)
        work.keep_iterate(OWN, model.weights())
        return reply

    def own_model(self, work: Work, common: Arrays) -> Arrays:
        """Return v_k; the common model where the silo never took part."""
        return work.kept(OWN) or common


@dataclass(frozen=True)
class DittoSettings(FedAvgSettings, DittoClient):
    """Those of the server's step and those of the silos together."""


class Ditto(OwnModels, FedAvg):
    """Federated averaging, and a model of its own for each silo.

    Parameters
    ----------
    settings : DittoSettings, optional
    **sampling
        What Flower's FedAvg takes; fedasr sets it.
    """

    settings_class: ClassVar[type[Settings]] = DittoSettings

    def __init__(self, settings: DittoSettings | None = None, **sampling: Any) -> None:
        settings = settings or DittoSettings()
        super().__init__(settings, **sampling)
        self.client = DittoClient(settings.proximal)
