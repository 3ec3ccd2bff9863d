"""Blockwise model-update filtering (Chen & Huo, ICASSP 2016).

In a block each of N silos takes its local steps from the model that was sent; the mean of their models
is filtered by block momentum (`strategies.outer.MomentumStep`). Classical BMUF with block learning rate 1
is FedAvgM; the Nesterov form is the outer step of DiLoCo; without momentum it is model averaging.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from flwr.app import ArrayRecord, ConfigRecord, Message
from flwr.serverapp import Grid

from fedasr.common.settings import Settings, number, one_of
from fedasr.messages.train_request import KEEP_OPTIMIZER

from .fedavg import WEIGHTS, FedAvg, FedAvgSettings

MEMORIES = 8
"""A filter's memory of 1 / (1 - momentum) blocks should pass so often in a training."""


@dataclass(frozen=True)
class BMUFSettings(Settings):
    """How updates are filtered.

    Parameters
    ----------
    block_momentum : float, optional
        By default 1 - 1/N, at which the filter gains N, but no more than the blocks leave room for.
    block_learning_rate : float
        Scales the step towards the mean of the silos' models.
    nesterov : bool
        Send the look-ahead (the published Nesterov form) or the model itself (the classical form).
    local_optimizer : str
        ``"reset"``: the silos' optimizers begin each block anew; ``"keep"``: they go on.
    weighting : str
        ``"uniform"``, as published; ``"utterances"`` or ``"seconds"``: a silo counts by what it holds.
    """

    block_momentum: float | None = number(None, least=0, below=1)
    block_learning_rate: float = number(1.0, above=0, below=math.inf)
    nesterov: bool = True
    local_optimizer: str = one_of("reset", "reset", "keep")
    weighting: str = one_of("uniform", *WEIGHTS)

    def outer(self, workers: int, blocks: int) -> FedAvgSettings:
        """Return the averaging that this is with so many workers and blocks."""
        momentum = default_momentum(workers, blocks) if self.block_momentum is None else self.block_momentum
        return FedAvgSettings(
            momentum, self.nesterov and momentum > 0, self.block_learning_rate, weighting=self.weighting
        )


class BMUF(FedAvg):
    """Models are averaged once a block and their update is filtered.

    Parameters
    ----------
    settings : BMUFSettings, optional
    workers, blocks : int
        N and the number of blocks, of which the default momentum is made; fedasr sets them.
    **sampling
        What Flower's FedAvg takes.
    """

    settings_class: ClassVar[type[Settings]] = BMUFSettings

    def __init__(
        self, settings: BMUFSettings | None = None, workers: int = 1, blocks: int = 1, **sampling: Any
    ) -> None:
        settings = settings or BMUFSettings()
        super().__init__(settings.outer(workers, blocks), blocks, **sampling)
        self.keep_optimizer = settings.local_optimizer == "keep"

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Send the model, or its look-ahead, for a block of local steps."""
        config[KEEP_OPTIMIZER] = self.keep_optimizer
        return super().configure_train(server_round, arrays, config, grid)


def default_momentum(workers: int, blocks: int) -> float:
    """Return 1 - 1/N, capped so that the filter's memory passes `MEMORIES` times in the training.

    With 1 - 1/N and few blocks most of the update would still be in the filter when the training ends.
    """
    memory = min(workers, blocks / MEMORIES)
    return 1 - 1 / max(memory, 1.0)
