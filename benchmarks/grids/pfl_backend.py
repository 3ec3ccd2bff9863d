"""pfl-research's SimulatedBackend: one process, the same model, one SGD step a silo."""

from __future__ import annotations

from typing import Any

import torch
from pfl.aggregate.simulate import SimulatedBackend
from pfl.algorithm.base import NNAlgorithmParams
from pfl.algorithm.federated_averaging import FederatedAveraging
from pfl.callback.base import TrainingProcessCallback
from pfl.data.dataset import Dataset
from pfl.data.federated_dataset import FederatedDataset
from pfl.data.sampling import get_user_sampler
from pfl.hyperparam.base import NNTrainHyperParams
from pfl.metrics import Metrics
from pfl.model.pytorch import PyTorchModel

from grids.cases import Case
from grids.clock import Clock, Rounds
from grids.work import LEARNING_RATE, Linear, example, summary


class _Timed(TrainingProcessCallback):
    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_train_begin(self, *, model: Any) -> Metrics:
        self.clock(0, None)
        return Metrics()

    def after_central_iteration(
        self, aggregate_metrics: Metrics, model: Any, *, central_iteration: int
    ) -> tuple[bool, Metrics]:
        self.clock(central_iteration + 1, None)
        return False, Metrics()


def measure(case: Case) -> Rounds:
    """Return the rounds of one case."""
    regressor = Linear(case.values)
    model = PyTorchModel(regressor, torch.optim.SGD, torch.optim.SGD(regressor.parameters(), lr=1.0))
    sampler = get_user_sampler("minimize_reuse", list(range(case.silos)))
    data = FederatedDataset(lambda silo: Dataset(example(case.values, silo), user_id=str(silo)), sampler)
    clock = Clock()
    # The model is evaluated in every round whose number the frequency divides: only in the first, untimed.
    parameters = NNAlgorithmParams(case.rounds + 1, 10**9, case.silos, None)
    local = NNTrainHyperParams(local_batch_size=None, local_num_epochs=1, local_learning_rate=LEARNING_RATE)
    FederatedAveraging().run(
        parameters, SimulatedBackend(data, data), model, local, callbacks=[_Timed(clock)],
        send_metrics_to_platform=False,
    )  # fmt: skip
    return Rounds(clock.seconds, summary({"weight": regressor.layer.weight.detach().numpy()}))
