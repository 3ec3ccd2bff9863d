"""Spreading work over actors that may be late or die; which actor does what never changes a result."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import ray
from ray.exceptions import OutOfMemoryError, RayActorError

from fedasr.common.errors import RowError

log = logging.getLogger("fedasr")
DEATHS = (RayActorError, OutOfMemoryError)
"""How Ray says that an actor is no more; the second where the machine ran short of memory."""
ATTEMPTS = 3
"""How often a piece of work is begun before its actors' deaths count as its own fault."""


class Pool(Protocol):
    """Actors, each with a place in which another follows when it dies."""

    count: int
    actors: list[Any]

    def replace(self, place: int) -> None:
        """Start another actor in the place of a dead one and wait until it can work."""


@dataclass
class Job:
    """A piece of work for one actor, and how often it was begun."""

    item: Any
    attempts: int = 0


@dataclass
class Flight:
    """Work that an actor has and has not given back."""

    place: int
    jobs: list[Job]


def spread(
    pool: Pool, queues: list[deque[Job]], submit: Callable[[Any, list[Job]], Any],
    receive: Callable[[int, list[Job], Any], None], timeout: float | None = None, may_move: bool = True,
    lost: Callable[[int], None] = lambda place: None,
) -> list[Job]:  # fmt: skip
    """Work off one queue an actor; an actor that is done early takes from the longest other queue.

    Which actor does a job never changes its result. Jobs go out in shrinking pieces, so that few
    messages are sent and all actors finish together.

    Returns
    -------
    list of job
        What had not come back when the time was up.
    """
    flights: dict[Any, Flight] = {}
    deadline = None if timeout is None else time.monotonic() + timeout

    def launch(place: int) -> None:
        jobs = _next_jobs(queues, place, may_move)
        if jobs:
            for job in jobs:
                job.attempts += 1
            flights[submit(pool.actors[place], jobs)] = Flight(place, jobs)

    for place in range(pool.count):
        launch(place)
    while flights:
        remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
        done, _ = ray.wait(list(flights), num_returns=1, timeout=remaining)
        if not done:
            return _give_up(pool, flights, queues, lost)
        flight = flights.pop(done[0])
        try:
            receive(flight.place, flight.jobs, ray.get(done[0]))
        except DEATHS as error:
            _recover(pool, flight, queues, error, lost)
        launch(flight.place)
    return []


def _next_jobs(queues: list[deque[Job]], place: int, may_move: bool) -> list[Job]:
    queue = queues[place]
    if not queue and may_move:
        queue = max(queues, key=len)
        return [queue.pop() for _ in range(min(len(queue), max(1, len(queue) // 4)))]
    return [queue.popleft() for _ in range(min(len(queue), max(1, len(queue) // 2)))]


def _recover(
    pool: Pool, flight: Flight, queues: list[deque[Job]], error: Exception,
    lost: Callable[[int], None],
) -> None:  # fmt: skip
    log.warning("worker %d died; another takes its place and its work is done again", flight.place)
    pool.replace(flight.place)  # first of all: a row that ends here leaves a pool that works to the next
    lost(flight.place)
    if max(job.attempts for job in flight.jobs) >= ATTEMPTS:
        raise RowError(f"worker {flight.place} died {ATTEMPTS} times over the same work (out of memory?)") from error
    queues[flight.place].extendleft(reversed(flight.jobs))


def _give_up(
    pool: Pool, flights: dict[Any, Flight], queues: list[deque[Job]], lost: Callable[[int], None]
) -> list[Job]:
    """Replace actors that hang, so that they delay nothing that comes after, and return lost jobs."""
    late = [job for flight in flights.values() for job in flight.jobs]
    for flight in flights.values():
        ray.kill(pool.actors[flight.place])
        pool.replace(flight.place)
    for flight in flights.values():
        lost(flight.place)
    return late + [job for queue in queues for job in queue]
