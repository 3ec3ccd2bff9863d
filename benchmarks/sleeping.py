"""How busy many workers are where a silo does nothing but sleep, so that two cores carry sixteen of them.

    python benchmarks/sleeping.py [--silos 60] [--workers 16] [--seconds 1.0] [--rounds 5]

Prints, for each round but the first, silos × seconds / (workers × the round's seconds), and the most that can be.
"""

from __future__ import annotations

import argparse
import functools
import math
import time

import numpy as np
from flwr.app import Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp.strategy import FedAvg
from grids.clock import Clock

from fedasr.common.randomness import Streams
from fedasr.grid.exchange import Mean
from fedasr.grid.ray.pool import RayWorkers
from fedasr.messages.records import array_record


def sleeping_app(seconds: float) -> ClientApp:
    """Return a ClientApp that sleeps and sends back what it was sent."""
    app = ClientApp()

    @app.train()
    def _train(message: Message, context: Context) -> Message:
        time.sleep(seconds)
        metrics = MetricRecord({"num-examples": 1, "loss": 0.0})
        content = RecordDict({"arrays": message.content.array_records["arrays"], "metrics": metrics})
        return Message(content, reply_to=message)

    return app


def round_seconds(silos: int, workers: int, seconds: float, rounds: int) -> tuple[float, ...]:
    """Return how long each round took, without the first."""
    pool, clock = RayWorkers(workers), Clock()
    try:
        nodes = {silo: {"partition-id": silo} for silo in range(silos)}
        grid = pool.open_grid(functools.partial(sleeping_app, seconds), nodes, Streams(0))
        strategy = FedAvg(fraction_evaluate=0.0, min_train_nodes=silos, min_available_nodes=silos)
        start = array_record({"weight": np.zeros(1000, np.float32)})
        strategy.start(grid.of_round(0, Mean()), start, num_rounds=rounds + 1, evaluate_fn=clock)
        return clock.seconds
    finally:
        pool.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--silos", type=int, default=60)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    least = math.ceil(asked.silos / asked.workers) * asked.seconds
    work = asked.silos * asked.seconds / asked.workers
    for taken in round_seconds(asked.silos, asked.workers, asked.seconds, asked.rounds):
        print(f"{work / taken:.1%} busy ({taken:.2f} s; at most {work / least:.1%})")


if __name__ == "__main__":
    main()
