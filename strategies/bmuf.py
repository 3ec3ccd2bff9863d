"""Blockwise model-update filtering (Chen & Huo, ICASSP 2016).

In a block each of N silos takes its local steps from the model that was sent; the mean of their models
is filtered by block momentum (`fedasr.server.outer_step.MomentumStep`), which is above 0: without any it would be
model averaging (``fedavg``). Classical BMUF with block learning rate 1 is FedAvgM; the Nesterov form is the outer step
of DiLoCo.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from flwr.app import ArrayRecord, ConfigRecord, Message
from flwr.serverapp import Grid

from fedasr.common.errors import UserError
from fedasr.common.settings import Settings, number, one_of
from fedasr.messages.train_request import KEEP_OPTIMIZER
from fedasr.server.outer_step import MEMORIES

from .fedavgm import FedAvgM, FedAvgMSettings
from .outer_averaging import WEIGHTS


@dataclass(frozen=True)
class BMUFSettings(Settings):
    """How updates are filtered.

    Parameters
    ----------
    block_momentum : float, optional
        By default 1 - 1/N of N silos a block, at which the filter gains N, where 8 N blocks are run; with fewer B
        blocks 1 - 8/B, so that the filter's memory passes as often. The row says where it is below 1 - 1/N.
    block_learning_rate : float
        Scales the step towards the mean of the silos' models.
    nesterov : bool
        Send the look-ahead (the published Nesterov form) or the model itself (the classical form).
    local_optimizer : str
        ``"reset"``: the silos' optimizers begin each block anew; ``"keep"``: they go on.
    weighting : str
        ``"uniform"``, as published; ``"utterances"`` or ``"seconds"``: a silo counts by what it holds.
    """

    block_momentum: float | None = number(None, above=0, below=1, mend="without momentum it is strategy = 'fedavg'")
    block_learning_rate: float = number(1.0, above=0, below=math.inf)
    nesterov: bool = True
    local_optimizer: str = one_of("reset", "reset", "keep")
    weighting: str = one_of("uniform", *WEIGHTS)

    def outer(self, workers: int, blocks: int) -> FedAvgMSettings:
        """Return the averaging that this is with so many workers and blocks; errors as `default_momentum`."""
        momentum = default_momentum(workers, blocks) if self.block_momentum is None else self.block_momentum
        return FedAvgMSettings(
            momentum=momentum, nesterov=self.nesterov, server_learning_rate=self.block_learning_rate,
            weighting=self.weighting,
        )  # fmt: skip


class BMUF(FedAvgM):
    """Models are averaged once a block and their update is filtered.

    Parameters
    ----------
    settings : BMUFSettings, optional
    workers, blocks : int
        N and the number of blocks, of which the default momentum is made; fedasr sets them.
    **sampling
        What Flower's FedAvg takes.

    Attributes
    ----------
    remark : str
        What is to be said of the row: a momentum below the published one.
    conform_options : mapping
        What ``python -m fedasr.conform`` states: it runs fewer blocks than leave room for momentum.

    Raises
    ------
    UserError
        Where no momentum is stated and none is left.
    """

    settings_class: ClassVar[type[Settings]] = BMUFSettings
    conform_options: ClassVar[Mapping[str, Any]] = {"block_momentum": 0.5}

    def __init__(
        self, settings: BMUFSettings | None = None, workers: int = 1, blocks: int = 1, **sampling: Any
    ) -> None:
        settings = settings or BMUFSettings()
        outer = settings.outer(workers, blocks)
        super().__init__(outer, blocks, **sampling)
        self.remark = below_published(outer.momentum, workers)
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

    Raises
    ------
    UserError
        Where that is 0.
    """
    if workers < 2:
        raise UserError("BMUF of one silo is plain training: 1 - 1/N is 0; state block_momentum, or take 'fedavg'")
    memory = min(workers, blocks / MEMORIES)
    if memory <= 1:
        raise UserError(
            f"{blocks} blocks leave no room for block momentum (1 - {MEMORIES}/blocks is not above 0); run more than "
            f"{MEMORIES} rounds, state block_momentum, or take 'fedavg'"
        )
    return 1 - 1 / memory


def below_published(momentum: float, workers: int) -> str:
    """Return what is to be said of a block momentum below 1 - 1/N; nothing of another."""
    published = 1 - 1 / workers
    return "" if momentum >= published else f"block momentum {momentum:.3g}, below 1 − 1/N = {published:.3g}"
