"""A strategy that promises an ε by a noisy mean, and asks silos beside it or for it as it is told."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from flwr.app import ArrayRecord, Message
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Result

from fedasr.common.files import Arrays
from fedasr.messages.kinds import Kind
from fedasr.messages.records import array_record
from fedasr.messages.train_request import TrainRequest
from fedasr.privacy.accounting.promise import Promise
from fedasr.privacy.mechanisms.gaussian import NoisyMean
from fedasr.privacy.noise import Noise
from fedasr.protection.releases import Charge
from fedasr.server.central import Central
from fedasr.server.central_strategy import CentralStrategy, result_with

RELEASE = Charge(NoisyMean(5.0, 8), 1)


class Asking(CentralStrategy):
    """Asks each silo to train, once for its release and never beside it."""

    beside: ClassVar[tuple[str, ...]] = ()
    within: ClassVar[tuple[str, ...]] = ("train",)
    asks: ClassVar[tuple[Kind, ...]] = ()

    def start(self, grid: Grid, initial_arrays: ArrayRecord, *, central: Central, **others: Any) -> Result:  # type: ignore[override]
        """Promise, ask, and return the start as it is."""
        central.releases.promise(Promise("silo", "replace-one", 1e-5, ((RELEASE.mechanism, RELEASE.count),)))
        for kind in self.beside:
            self._ask(central, kind)

        def draw(noise: Noise) -> Arrays:
            for kind in self.within:
                self._ask(central, kind)
            return {"mean": noise.normal((2,), 1.0)}

        central.releases.make("round.1", lambda _: [RELEASE], draw)
        central.after_round(1, 1, lambda: central.start, lambda: {"nothing": np.zeros(1)})
        return result_with(array_record(central.start))

    def _ask(self, central: Central, kind: str) -> None:
        content = TrainRequest(central.start, 1).to_record()
        central.grid.exchange([Message(content, node, kind) for node in central.grid.get_node_ids()], round=1)


class Beside(Asking):
    """Has models sent that no noise hides."""

    beside = ("train",)


class Twice(Asking):
    """Makes one release of two answers of each silo."""

    within = ("train", "train.gradient")


class Freely(Asking):
    """Asks beside its release for what tells nothing."""

    beside = ("train.teacher",)
