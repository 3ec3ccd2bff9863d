"""FedProx (Li et al., MLSys 2020): local training is held near the model that was sent.

A silo minimises ``F_k(w) + µ/2 ‖w − w_t‖²`` (eq. 2), so each gradient gains ``µ (w − w_t)``; the server averages. With
µ = 0 this is federated averaging, to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from flwr.app import RecordDict

from fedasr.common.settings import Settings, number
from fedasr.messages.kinds import TRAIN, Kind
from fedasr.silo.client import Answer, ClientHalf
from fedasr.silo.corrections import pulled
from fedasr.silo.work import Work

from .fedavg import FedAvg, FedAvgSettings


@dataclass(frozen=True)
class FedProxClient(ClientHalf):
    """What a silo does.

    Parameters
    ----------
    proximal : float
        µ, the strength of the pull towards the model that was sent.
    """

    reads_rounds: ClassVar[bool] = False

    proximal: float = number(0.01, least=0, below=math.inf)

    def answers(self) -> Mapping[Kind, Answer]:
        """Return what is done with a model to train."""
        return {TRAIN: self.train}

    def train(self, work: Work, content: RecordDict) -> RecordDict:
        """Take the local steps, each held back by the distance from the start."""
        request = work.request(content)
        work.recogniser.load(request.weights)
        pull = pulled(work.recogniser, request.weights, self.proximal) if self.proximal else None
        return work.reply(request, work.descend(request, pull))


@dataclass(frozen=True)
class FedProxSettings(FedAvgSettings, FedProxClient):
    """Those of the server's step and those of the silos together."""


class FedProx(FedAvg):
    """Federated averaging of silos that stay near the model they were sent.

    Parameters
    ----------
    settings : FedProxSettings, optional
    **sampling
        What Flower's FedAvg takes; fedasr sets it.

    Attributes
    ----------
    client : FedProxClient
        The half that runs in the silos.
    """

    settings_class: ClassVar[type[Settings]] = FedProxSettings

    def __init__(self, settings: FedProxSettings | None = None, **sampling: Any) -> None:
        settings = settings or FedProxSettings()
        super().__init__(settings, **sampling)
        self.client = FedProxClient(settings.proximal)
