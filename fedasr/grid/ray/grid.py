"""The silos of a simulation on Ray actors: who is free works for the next silo; a silo's state stays where it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import ray
from numpy.typing import NDArray

from fedasr.common.errors import RowError
from fedasr.grid.exchange import Exchange, Gathered, Outcome, Request
from fedasr.grid.ray.queues import Job, Queues
from fedasr.grid.ray.spread import Pool, Spread, Task
from fedasr.grid.rules import Rules
from fedasr.grid.silo_grid import SiloGrid
from fedasr.grid.sums.tree import Subtotal, cuts, sum_of
from fedasr.grid.time_limit import late_reason
from fedasr.messages.records import array_records, arrays_of

STATES = 8
"""Silos whose state is fetched at once."""
STOLEN_NODES, BYTES_A_SECOND = 4, 1e9
"""A job done elsewhere than its neighbours leaves so many sums more to be sent, at about such a rate."""


class RayGrid(SiloGrid):
    """The silos of a simulation on Ray actors."""

    def __init__(self, pool: Pool, silos: int, rules: Rules) -> None:
        super().__init__(silos, rules)
        self._pool = pool
        self._home: dict[int, int] = {}
        """The actor of each silo that keeps state."""
        self._job_seconds: float | None = None

    def silo_states(self) -> Iterator[tuple[int, Mapping[str, NDArray[Any]]]]:
        """Yield what silos keep, a few at a time: together it may be more than one machine holds."""
        for place, neighbours in groupby(sorted(self._home), key=self._home.__getitem__):
            silos = list(neighbours)
            for start in range(0, len(silos), STATES):
                yield from ray.get(self._pool.actors[place].states.remote(silos[start : start + STATES]))

    def restore_silos(self, states: Iterable[tuple[int, Mapping[str, NDArray[Any]]]]) -> None:
        """Give each silo to an actor, neighbours to the same, and the actor what the silo kept."""
        for silo, arrays in states:
            place = self._home[silo] = silo * self._pool.count // self.silos
            ray.get(self._pool.actors[place].restore.remote([(silo, arrays)]))

    def _exchange(self, exchange: Exchange, requests: Sequence[Request]) -> Gathered:
        reference = ray.put(exchange)
        outcomes: dict[int, Outcome] = {}
        parts: list[Subtotal] = []

        def receive(place: int, jobs: list[Job], found: list[Outcome]) -> None:
            outcomes.update((outcome.request.position, outcome) for outcome in found)
            self._home.update((outcome.request.silo, place) for outcome in found if outcome.stateful)

        task = Task(
            lambda actor, jobs: actor.handle.remote(reference, [r for job in jobs for r in job.item]), receive,
            (lambda actor: actor.held.remote()) if exchange.mean else None, parts.extend, self._check_state_lost,
        )  # fmt: skip
        queues = Queues(self._queued(requests), _steal_seconds(exchange), self._job_seconds)
        late = [request for job in Spread(self._pool, queues, task).run(exchange.timeout) for request in job.item]
        self._job_seconds = queues.job_seconds
        outcomes.update((r.position, Outcome(r, None, late_reason(exchange.timeout))) for r in late)
        total = sum_of(exchange.leaves, parts, [r.leaf for r in late]) if exchange.mean else None
        return Gathered(list(outcomes.values()), total)

    def _queued(self, requests: Sequence[Request]) -> list[list[Job]]:
        """Give each silo that keeps state to its actor, and divide the others so that all have about as many."""
        queues: list[list[Job]] = [[] for _ in range(self._pool.count)]
        free: list[Job] = []
        for silo, asked in groupby(requests, key=lambda request: request.silo):
            home = self._home.get(silo)
            (free if home is None else queues[home]).append(_job(list(asked), home is not None))
        begin = 0
        ends = cuts([job.item[0].leaf for job in free], _shares([len(queue) for queue in queues], len(free)))
        for queue, end in zip(queues, ends, strict=True):
            queue += free[begin:end]
            begin = end
        return [sorted(queue, key=lambda job: int(job.item[0].leaf)) for queue in queues]

    def _check_state_lost(self, place: int) -> None:
        if place in self._home.values():
            raise RowError(f"worker {place} died and with it the state of its silos; resume from the last checkpoint")


def _job(asked: list[Request], is_pinned: bool) -> Job:
    return Job(asked, is_pinned, turns=len(asked))


def _shares(loads: Sequence[int], jobs: int) -> list[int]:
    """Return how many of some jobs each actor is given: the next always to the one with the fewest."""
    filled = list(loads)
    for _ in range(jobs):
        filled[filled.index(min(filled))] += 1
    return [after - before for after, before in zip(filled, loads, strict=True)]


def _steal_seconds(exchange: Exchange) -> float:
    """Return what it costs to send the sums that are left over where an actor works for another's silos."""
    if exchange.mean is None:
        return 0.0
    models = [arrays_of(record) for content in exchange.contents for record in array_records(content).values()]
    values = max((sum(array.size for array in model.values()) for model in models), default=0)
    return STOLEN_NODES * 8 * values / BYTES_A_SECOND
