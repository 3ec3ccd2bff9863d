"""FedPer (Arivazhagan et al. 2019, arXiv 1912.00818): some layers belong to each silo and never leave it.

All layers are trained together in the silos; the common ones are averaged, the silo's own stay and never travel, in
neither direction. So the server has none to give: a silo's own layers begin from weights that are drawn from the row's
stream, the same in every silo, whatever start the common layers have. Without own layers this is federated averaging.

The row's score is that of the silos' own models (the last common layers and the silo's own), each on the test speakers,
as in ``local-only``. They are also scored on the speech that each silo holds out of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid

from fedasr.common.settings import Settings
from fedasr.messages.kinds import TRAIN, Kind
from fedasr.messages.records import array_record, arrays_of
from fedasr.server.conditions import Conditions
from fedasr.server.own_models import OwnModels
from fedasr.silo.client import Answer
from fedasr.silo.personal import Arrays, PersonalHalf
from fedasr.silo.work import Work
from fedasr.training.parameters import chosen_names

from .fedavg import FedAvg, FedAvgSettings

OWN = "own layers"
"""The record of a silo's state that holds its own layers."""


@dataclass(frozen=True)
class FedPerClient(PersonalHalf):
    """What a silo does.

    Parameters
    ----------
    own_layers : tuple of str
        Patterns of the parameters that stay in the silos, such as ``"ctc.*"``; none: all are common.
    """

    own_layers: tuple[str, ...] = ()

    def answers(self) -> Mapping[Kind, Answer]:
        """Return what is done with common layers to train, and with the question after the silo's own model."""
        return {**super().answers(), TRAIN: self.train}

    def train(self, work: Work, content: RecordDict) -> RecordDict:
        """Train all layers, keep the silo's own and send the common ones back."""
        request = work.request(content)
        work.recogniser.load(self.own_model(work, request.weights))
        trained, found = work.descend(request), work.recogniser.weights()
        work.keep_iterate(OWN, {name: array for name, array in found.items() if name not in request.weights})
        return work.reply(request, trained, {name: found[name] for name in request.weights})

    def own_model(self, work: Work, common: Arrays) -> Arrays:
        """Return common layers and the silo's own; where it has none yet, fresh ones."""
        return {**(work.kept(OWN) or work.fresh_weights()), **common}


@dataclass(frozen=True)
class FedPerSettings(FedAvgSettings, FedPerClient):
    """Those of the server's step and those of the silos together."""


class FedPer(OwnModels, FedAvg):
    """Federated averaging of some layers.

    Parameters
    ----------
    settings : FedPerSettings, optional
    **sampling
        What Flower's FedAvg takes; fedasr sets it.
    """

    settings_class: ClassVar[type[Settings]] = FedPerSettings
    reduce: ClassVar[str] = "weighted_mean"

    def __init__(self, settings: FedPerSettings | None = None, **sampling: Any) -> None:
        settings = settings or FedPerSettings()
        super().__init__(settings, **sampling)
        self.client = FedPerClient(settings.own_layers)
        self.before = ArrayRecord()

    def lacking(self, conditions: Conditions) -> Iterable[str]:
        """Yield which patterns fit no layer, or that they leave none to share."""
        wrong = list(conditions.layers(self.client.own_layers, "own_layers"))
        yield from wrong
        if not wrong and len(self._own(conditions.parameters)) == len(conditions.parameters):
            yield "'own_layers' leaves no layer to share; for silos that share nothing there is local-only"

    def _own(self, names: Iterable[str]) -> list[str]:
        return chosen_names(names, self.client.own_layers) if self.client.own_layers else []

    def common(self, arrays: ArrayRecord) -> ArrayRecord:
        """Return the layers that all silos have in common."""
        own = self._own(arrays)
        return array_record({name: array for name, array in arrays_of(arrays).items() if name not in own})

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Send the common layers to the silos of the round."""
        self.before = arrays
        return super().configure_train(server_round, self.common(arrays), config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Take the server's step on the common layers; the others stand where the start had them, of use to nobody."""
        common, metrics = super().aggregate_train(server_round, replies)
        whole, self.before = arrays_of(self.before), ArrayRecord()
        return None if common is None else array_record({**whole, **arrays_of(common)}), metrics
