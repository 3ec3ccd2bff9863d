"""Blockwise model-update filtering (Chen & Huo, ICASSP 2016).

In a block each of N silos takes its local steps from the model that was sent; the mean of their models
is filtered by block momentum (`strategies.outer.MomentumStep`). Classical BMUF with block learning rate 1
is FedAvgM; the Nesterov form is the outer step of DiLoCo; without momentum it is model averaging.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flwr.app import ArrayRecord, ConfigRecord, Message
from flwr.serverapp import Grid

from fedasr.common.errors import UserError
from fedasr.messages.train_request import KEEP_OPTIMIZER

from .fedavg import FedAvg

MEMORIES = 8
"""A filter's memory of 1 / (1 - momentum) blocks should pass so often in a training."""


class BMUF(FedAvg):
    """Models are averaged once a block and their update is filtered.

    Parameters
    ----------
    block_momentum : float, optional
        By default 1 - 1/N, at which the filter gains N, but no more than the blocks leave room for.
    block_learning_rate : float
    nesterov : bool
        Send the look-ahead (the published Nesterov form) or the model itself (the classical form).
    local_optimizer : str
        ``"reset"``: the silos' optimizers begin each block anew; ``"keep"``: they go on.
    weighting : str
        ``"uniform"``, as published, or ``"utterances"``.
    workers, blocks : int
        N and the number of blocks, of which the default momentum is made; fedasr sets them.
    **sampling
        What Flower's FedAvg takes.
    """

    def __init__(
        self, block_momentum: float | None = None, block_learning_rate: float = 1.0, nesterov: bool = True,
        local_optimizer: str = "reset", weighting: str = "uniform", workers: int = 1, blocks: int = 1,
        **sampling: Any,
    ) -> None:  # fmt: skip
        if local_optimizer not in ("reset", "keep"):
            raise UserError(f"'local_optimizer' is '{local_optimizer}'; known: reset, keep")
        momentum = default_momentum(workers, blocks) if block_momentum is None else block_momentum
        super().__init__(momentum, nesterov, block_learning_rate, weighting=weighting, **sampling)
        self.keep_optimizer = local_optimizer == "keep"

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
