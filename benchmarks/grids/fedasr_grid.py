"""fedasr's RayGrid under Flower's unmodified FedAvg."""

from __future__ import annotations

import functools

from flwr.serverapp.strategy import FedAvg

from fedasr.common.randomness import Streams
from fedasr.grid.exchange import Mean
from fedasr.grid.ray.pool import RayWorkers
from fedasr.messages.records import array_record, arrays_of
from grids.cases import Case
from grids.clock import WORKERS, Clock, Rounds
from grids.work import app_of, start, summary


def measure(case: Case) -> Rounds:
    """Return the rounds of one case."""
    workers = RayWorkers(WORKERS)
    try:
        nodes = {silo: {"partition-id": silo} for silo in range(case.silos)}
        grid = workers.open_grid(functools.partial(app_of, case), nodes, Streams(0))
        clock = Clock()
        result = FedAvg(fraction_evaluate=0.0, min_train_nodes=case.silos, min_available_nodes=case.silos).start(
            grid.of_round(0, Mean()), array_record(start(case)), num_rounds=case.rounds + 1, evaluate_fn=clock
        )
        return Rounds(clock.seconds, summary(arrays_of(result.arrays)))
    finally:
        workers.close()
