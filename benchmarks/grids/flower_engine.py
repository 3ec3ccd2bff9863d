"""Flower's own simulation engine, with the same ClientApp and the same FedAvg."""

from __future__ import annotations

import warnings

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from flwr.simulation import run_simulation

from fedasr.messages.records import array_record, arrays_of
from grids.cases import Case
from grids.clock import WORKERS, Clock, Rounds
from grids.work import app_of, start, summary


def measure(case: Case) -> Rounds:
    """Return the rounds of one case."""
    clock, server, models = Clock(), ServerApp(), []

    @server.main()
    def _main(grid: Grid, context: Context) -> None:
        strategy = FedAvg(fraction_evaluate=0.0, min_train_nodes=case.silos, min_available_nodes=case.silos)
        result = strategy.start(grid, array_record(start(case)), num_rounds=case.rounds + 1, evaluate_fn=clock)
        models.append(arrays_of(result.arrays))

    config = {"client_resources": {"num_cpus": 1, "num_gpus": 0.0}, "init_args": {"num_cpus": WORKERS}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_simulation(server, app_of(case), case.silos, backend_config=config)  # type: ignore[arg-type]
    return Rounds(clock.seconds, summary(models[0]))
