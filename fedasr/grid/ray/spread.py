"""Spreading work over actors that may be late or die; which actor does what never changes a result."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import ray
from ray.exceptions import OutOfMemoryError, RayActorError

from fedasr.common.errors import RowError
from fedasr.grid.ray.queues import Job, Queues

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


@dataclass(frozen=True)
class Task:
    """What is done with jobs.

    Parameters
    ----------
    submit : callable
        Hands jobs to an actor and returns a reference to what comes of them.
    receive : callable
        Told the place of an actor, some jobs, and what came of them.
    collect : callable, optional
        Asks an actor for what it keeps of all its jobs until the end; returns a reference.
    collected : callable
        Told what an actor kept.
    lost : callable
        Told the place of an actor that died.
    """

    submit: Callable[[Any, list[Job]], Any]
    receive: Callable[[int, list[Job], Any], None]
    collect: Callable[[Any], Any] | None = None
    collected: Callable[[Any], None] = lambda kept: None
    lost: Callable[[int], None] = lambda place: None


@dataclass(frozen=True)
class Flight:
    """Work that an actor has and has not given back."""

    place: int
    jobs: list[Job]
    begun: float


@dataclass
class Spread:
    """Has the actors of a pool work off queues, and does again what is lost with an actor.

    Parameters
    ----------
    pool : Pool
    queues : Queues
        One for each of the first `count` actors.
    task : Task
    """

    pool: Pool
    queues: Queues
    task: Task
    _flights: dict[Any, Flight] = field(default_factory=dict)
    _kept: dict[int, list[Job]] = field(default_factory=dict)
    """The jobs of which each actor keeps something."""

    def run(self, timeout: float | None = None) -> list[Job]:
        """Do all jobs, and return those that had not come back when the time was up.

        What an actor keeps is lost with it: those of its jobs are done again, and have all the time they need.
        """
        late = self._work(timeout)
        while self.task.collect is not None and (self._kept or len(self.queues)):
            self._work(None)
            self._collect(self.task.collect)
        return late

    def _work(self, timeout: float | None) -> list[Job]:
        deadline = None if timeout is None else time.monotonic() + timeout
        self._launch()
        while self._flights:
            remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
            done, _ = ray.wait(list(self._flights), num_returns=1, timeout=remaining)
            if not done:
                return self._give_up()
            flight = self._flights.pop(done[0])
            self.queues.took(time.monotonic() - flight.begun, len(flight.jobs))
            try:
                self.task.receive(flight.place, flight.jobs, ray.get(done[0]))
                self._keep(flight)
            except DEATHS as error:
                self._recover(flight, error)
            self._launch()
        return []

    def _launch(self) -> None:
        """Give every actor that has nothing to do its next piece."""
        busy = {flight.place for flight in self._flights.values()}
        for place in sorted(set(range(self.pool.count)) - busy):
            jobs = self.queues.next(place)
            for job in jobs:
                job.attempts += 1
            if jobs:
                reference = self.task.submit(self.pool.actors[place], jobs)
                self._flights[reference] = Flight(place, jobs, time.monotonic())

    def _keep(self, flight: Flight) -> None:
        if self.task.collect is not None:
            self._kept.setdefault(flight.place, []).extend(flight.jobs)

    def _collect(self, collect: Callable[[Any], Any]) -> None:
        """Ask the actors that keep something for it."""
        references = {place: collect(self.pool.actors[place]) for place in sorted(self._kept)}
        for place, reference in references.items():
            try:
                self.task.collected(ray.get(reference))
                del self._kept[place]
            except DEATHS as error:
                self._recover(Flight(place, [], 0.0), error)

    def _recover(self, flight: Flight, error: Exception) -> None:
        log.warning("worker %d died; another takes its place and its work is done again", flight.place)
        self._replace([flight.place])
        if max((job.attempts for job in flight.jobs), default=0) >= ATTEMPTS:
            reason = f"worker {flight.place} died {ATTEMPTS} times over the same work (out of memory?)"
            raise RowError(reason) from error
        self.queues.again(flight.place, flight.jobs)

    def _give_up(self) -> list[Job]:
        """Replace actors that hang, so that they delay nothing that comes after, and return lost jobs."""
        flights, self._flights = list(self._flights.values()), {}
        late = [job for flight in flights for job in flight.jobs] + self.queues.clear()
        for flight in flights:
            ray.kill(self.pool.actors[flight.place])
        self._replace([flight.place for flight in flights])
        return late

    def _replace(self, places: Sequence[int]) -> None:
        """Let others follow dead actors, and queue again what these kept."""
        for place in places:  # first of all: a row that ends here leaves a pool that works to the next
            self.pool.replace(place)
        for place in places:
            self.task.lost(place)
            self.queues.again(place, self._kept.pop(place, []))
