"""Both halves of an algorithm: elastic averaging (Zhang et al., NeurIPS 2015). ``strategy = "algorithm:Elastic"``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg

from fedasr.common.settings import share
from fedasr.messages.kinds import Kind
from fedasr.messages.records import CHANGE, array_record, arrays_of
from fedasr.silo.client import Answer, ClientHalf
from fedasr.silo.work import Work

PULL = Kind("train.pull", "row", averaged=True, coded=True, carries=(CHANGE,))
"""Train your own model, let it and the centre's pull at each other, and send what the centre's is moved by."""


@dataclass(frozen=True)
class ElasticClient(ClientHalf):
    """What a silo does: its own model stays with it from round to round.

    Parameters
    ----------
    elasticity : float
        The share of their distance by which a silo's model and the centre's move towards each other.
    """

    elasticity: float = share(0.5)

    def answers(self) -> Mapping[Kind, Answer]:
        """Return what is done with the centre's model."""
        return {PULL: self.pull}

    def pull(self, work: Work, content: RecordDict) -> RecordDict:
        """Train the silo's own model, then move it towards the centre's and tell how far."""
        request = work.request(content)
        work.recogniser.load(work.kept("own model") or request.weights)
        trained, own = work.descend(request), work.recogniser.weights()
        moved = {name: np.float32(self.elasticity) * (own[name] - sent) for name, sent in request.weights.items()}
        work.keep("own model", {name: own[name] - moved[name] for name in own})
        return work.reply(request, trained, moved, CHANGE)


class Elastic(FedAvg):
    """The centre's model is moved by the mean of what the silos pull at it."""

    settings_class: ClassVar[type[ElasticClient]] = ElasticClient
    reduce: ClassVar[str] = "weighted_mean"

    def __init__(self, settings: ElasticClient | None = None, **sampling: Any) -> None:
        super().__init__(weighted_by_key="uniform", **sampling)
        self.client = settings or ElasticClient()
        self.sent = ArrayRecord()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Send the centre's model in a message of the algorithm's own kind."""
        self.sent = arrays
        asked = super().configure_train(server_round, arrays, config, grid)
        return [Message(m.content, m.metadata.dst_node_id, PULL.name) for m in asked]

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Move the model by the mean pull."""
        mean, metrics = super().aggregate_train(server_round, replies)
        change = arrays_of(mean) if mean is not None else {}
        return array_record({name: array + change[name] for name, array in arrays_of(self.sent).items()}), metrics
