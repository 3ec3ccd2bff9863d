"""Spreading work over actors that may be late or die; which actor does what never changes a result."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
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

GRACE_SECONDS = 10.0
"""An actor interrupts what takes too long; one that is silent for so much longer cannot."""
LONGEST_WAIT_SECONDS = 3600.0
"""Of one look for replies: Ray takes no longer times than it can count in milliseconds."""


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

    def due(self, seconds: float) -> float:
        """Return when it should long be back, if a turn of a job may take so many seconds."""
        return self.begun + GRACE_SECONDS + seconds * sum(job.turns for job in self.jobs)

    def is_silent(self, seconds: float) -> bool:
        """Return whether it should long be back."""
        return time.monotonic() >= self.due(seconds)


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

    def run(self, seconds: float | None = None) -> list[Job]:
        """Do all jobs, and return those during which an actor hung.

        What an actor keeps is lost with it: those of its jobs are done again.

        Parameters
        ----------
        seconds : float, optional
            How long one turn of a job may take. An actor sees to that itself where it can; one that is silent for
            much longer is replaced, and those of its jobs that may not have been to blame are done again, one by one.
        """
        late = self._work(seconds)
        while self.task.collect is not None and (self._kept or len(self.queues)):
            late += self._work(seconds)
            self._collect(self.task.collect)
        return late

    def _work(self, seconds: float | None) -> list[Job]:
        late: list[Job] = []
        self._launch()
        while self._flights:
            done, _ = ray.wait(list(self._flights), num_returns=1, timeout=self._patience(seconds))
            if done:
                self._land(done[0])
            elif seconds is not None:
                late += self._give_up([r for r, flight in self._flights.items() if flight.is_silent(seconds)])
            self._launch()
        return late

    def _patience(self, seconds: float | None) -> float | None:
        """Return how long to wait for an actor before the next look at who has been silent for too long."""
        if seconds is None:
            return None
        due = min(flight.due(seconds) for flight in self._flights.values())
        return min(max(0.0, due - time.monotonic()), LONGEST_WAIT_SECONDS)

    def _land(self, reference: Any) -> None:
        flight = self._flights.pop(reference)
        self.queues.took(time.monotonic() - flight.begun, len(flight.jobs))
        try:
            self.task.receive(flight.place, flight.jobs, ray.get(reference))
            self._keep(flight)
        except DEATHS as error:
            self._recover(flight, error)

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

    def _give_up(self, references: Sequence[Any]) -> list[Job]:
        """Replace actors that hang, and return the jobs that did it; where a piece has several, each is tried alone."""
        flights = [self._flights.pop(reference) for reference in references]
        for flight in flights:
            ray.kill(self.pool.actors[flight.place])
        self._replace([flight.place for flight in flights])
        late: list[Job] = []
        for flight in flights:
            if len(flight.jobs) == 1:
                late += flight.jobs
            else:
                self.queues.again(flight.place, [replace(job, is_alone=True) for job in flight.jobs])
        return late

    def _replace(self, places: Sequence[int]) -> None:
        """Let others follow dead actors, and queue again what these kept."""
        for place in places:  # first of all: a row that ends here leaves a pool that works to the next
            self.pool.replace(place)
        for place in places:
            self.task.lost(place)
            self.queues.again(place, self._kept.pop(place, []))
