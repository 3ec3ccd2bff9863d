"""Silos on Ray actors: one compute thread an actor, a silo sticks to its actor, models travel once."""

from __future__ import annotations

import ctypes
import logging
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
import torch
from ray.exceptions import GetTimeoutError, RayActorError

from fedasr.errors import RowError, UserError
from fedasr.grid.base import SiloGrid
from fedasr.grid.exchange import Exchange, GroupOutcome, Outcome, Request
from fedasr.grid.shipping import pieces, unpack
from fedasr.grid.worker import AppFactory, NodeConfigs, Worker
from fedasr.grid.workers import MapFunction, Workers
from fedasr.randomness import Streams

log = logging.getLogger("fedasr")
Group = tuple[int, list[Request]]
WAIT_SECONDS = 60.0
"""How long the actors of a cluster may take before the user is told that there are too many."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 1 << 29
"""The C library's names for its thresholds, and the size up to which freed memory stays with an actor."""
REPLACE_SECONDS = 120.0
ATTEMPTS = 3
"""How often a piece of work is begun before its actors' deaths count as its own fault."""


class Actor:
    """A worker in a process of its own."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        keep_freed_memory()
        self._worker: Worker | None = None

    def ready(self) -> int:
        """Return the process id, once the process can work."""
        return os.getpid()

    def node(self) -> str:
        """Return Ray's id of the machine."""
        return str(ray.get_runtime_context().get_node_id())

    def has(self, folder: Path) -> bool:
        """Return whether the machine has a folder."""
        return folder.is_dir()

    def receive(self, folder: Path, references: Sequence[Any]) -> None:
        """Write a folder, fetching one piece after another."""
        unpack(folder, (ray.get(reference) for reference in references))

    def open(self, app_factory: AppFactory, node_configs: NodeConfigs, streams: Streams) -> None:
        """Forget the silos of an earlier grid and take those of another."""
        self._worker = Worker(app_factory, node_configs, streams)

    def handle(self, exchange: Exchange, groups: Sequence[Group]) -> list[GroupOutcome]:
        """Run the requests of some groups."""
        assert self._worker is not None
        return [self._worker.handle(exchange, group, requests) for group, requests in groups]

    def apply(self, function: MapFunction, shared: Any, items: Sequence[Any]) -> list[Any]:
        """Return ``function(shared, items)``."""
        return function(shared, items)


def keep_freed_memory() -> None:
    """Let the C library reuse large blocks instead of fetching and zeroing new pages for each of them.

    Every message allocates models, gradients and sums anew; with pages kept, a copy takes half the time.
    """
    try:
        options = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    options(M_MMAP_THRESHOLD, KEPT_BYTES)
    options(M_TRIM_THRESHOLD, KEPT_BYTES)


@dataclass
class _Job:
    """A piece of work for one actor, and how often it was begun."""

    item: Any
    attempts: int = 0


class RayWorkers(Workers):
    """A pool of Ray actors.

    Parameters
    ----------
    count : int
        How many actors.
    address : str, optional
        The address of a running cluster; without it a private one is started on this machine.

    Raises
    ------
    UserError
        Where the cluster cannot be reached.
    """

    def __init__(self, count: int, address: str | None = None) -> None:
        self.count = count
        if address:
            _check_answers(address)
        options: dict[str, Any] = {"address": address} if address else {"address": "local", "num_cpus": count}
        try:
            ray.init(
                **options, include_dashboard=None if address else False, log_to_driver=False,
                logging_level=logging.ERROR, configure_logging=False,
            )  # fmt: skip
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise UserError(f"--address {address}: {str(error).splitlines()[0]}") from error
        self._actor_class: Any = ray.remote(num_cpus=1, num_gpus=_gpu_share(count))(Actor)
        self.actors: list[Any] = [self._actor_class.remote() for _ in range(count)]
        self._opened: tuple[Any, ...] | None = None
        self._is_local = address is None
        self._shared: dict[Path, list[Any]] = {}

    def _await_actors(self) -> None:
        """Wait until all actors run; a cluster that scales by itself may have to start machines first."""
        waiting = [actor.ready.remote() for actor in self.actors]
        started, missing = ray.wait(waiting, num_returns=self.count, timeout=WAIT_SECONDS)
        if missing:
            log.warning(
                "the cluster has room for %d of %d workers; waiting for more (--workers asks for fewer)",
                len(started), self.count,
            )  # fmt: skip
        ray.get(waiting)

    def share(self, folder: Path) -> None:
        """Copy a folder to the machines that lack it; a cluster on this machine alone has it."""
        if not self._is_local:
            self._await_actors()
            self._shared.setdefault(folder, [])
            self._send(folder, self.actors)

    def _send(self, folder: Path, actors: Sequence[Any]) -> None:
        """Let one actor of each machine that lacks a folder write it there."""
        nodes = ray.get([actor.node.remote() for actor in actors])
        present = ray.get([actor.has.remote(folder) for actor in actors])
        lacking = {n: actor for n, actor, has in zip(nodes, actors, present, strict=True) if not has}
        if lacking and not self._shared[folder]:
            self._shared[folder] = [ray.put(piece) for piece in pieces(folder)]
        ray.get([actor.receive.remote(folder, self._shared[folder]) for actor in lacking.values()])

    def open_grid(self, app_factory: AppFactory, node_configs: NodeConfigs, streams: Streams) -> SiloGrid:
        self._opened = (app_factory, node_configs, streams)
        reference = [ray.put(part) for part in self._opened]
        ray.get([actor.open.remote(*reference) for actor in self.actors])
        return RayGrid(self, len(node_configs))

    def map(self, function: MapFunction, shared: Any, items: Sequence[Any]) -> list[Any]:
        reference = ray.put(shared)
        results: dict[int, Any] = {}
        jobs = [_Job(number) for number in range(len(items))]
        spread(
            self, [deque(jobs[place :: self.count]) for place in range(self.count)],
            lambda actor, piece: actor.apply.remote(function, reference, [items[j.item] for j in piece]),
            lambda place, piece, values: results.update(zip((j.item for j in piece), values, strict=True)),
        )  # fmt: skip
        return [results[number] for number in range(len(items))]

    def replace(self, place: int) -> None:
        """Start another actor in the place of a dead one and wait until it can work."""
        self.actors[place] = self._actor_class.remote()
        try:
            ray.get(self.actors[place].ready.remote(), timeout=REPLACE_SECONDS)
        except GetTimeoutError as error:
            reason = f"worker {place} died and none took its place within {REPLACE_SECONDS:g} s"
            raise RowError(f"{reason}; resume when the cluster has room") from error
        for folder in self._shared:
            self._send(folder, [self.actors[place]])
        if self._opened is not None:
            ray.get(self.actors[place].open.remote(*self._opened))

    def process_ids(self) -> list[int]:
        """Return the process id of each actor."""
        return list(ray.get([actor.ready.remote() for actor in self.actors]))

    def describe(self) -> dict[str, int]:
        machines = 1 if self._is_local else len(set(ray.get([actor.node.remote() for actor in self.actors])))
        return {"workers": self.count, "machines": machines}

    def close(self) -> None:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Refuse an address where nothing listens, where Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        mend = "start one with ray start --head"
        raise UserError(f"--address {address}: no Ray head answers there ({error}); {mend}") from error


def _gpu_share(count: int) -> float:
    gpus = ray.cluster_resources().get("GPU", 0)  # type: ignore[no-untyped-call]
    return min(1.0, gpus / count) if gpus else 0.0


@dataclass
class _Flight:
    place: int
    jobs: list[_Job]
    begun: float = field(default_factory=time.monotonic)


def spread(
    pool: RayWorkers, queues: list[deque[_Job]], submit: Callable[[Any, list[_Job]], Any],
    receive: Callable[[int, list[_Job], Any], None], timeout: float | None = None, may_move: bool = True,
    lost: Callable[[int], None] = lambda place: None,
) -> list[_Job]:  # fmt: skip
    """Work off one queue an actor; an actor that is done early takes from the longest other queue.

    Which actor does a job never changes its result. Jobs go out in shrinking pieces, so that few
    messages are sent and all actors finish together.

    Returns
    -------
    list of job
        What had not come back when the time was up.
    """
    flights: dict[Any, _Flight] = {}
    deadline = None if timeout is None else time.monotonic() + timeout

    def launch(place: int) -> None:
        jobs = _next_jobs(queues, place, may_move)
        if jobs:
            for job in jobs:
                job.attempts += 1
            flights[submit(pool.actors[place], jobs)] = _Flight(place, jobs)

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
        except RayActorError as error:
            _recover(pool, flight, queues, error, lost)
        launch(flight.place)
    return []


def _next_jobs(queues: list[deque[_Job]], place: int, may_move: bool) -> list[_Job]:
    queue = queues[place]
    if not queue and may_move:
        queue = max(queues, key=len)
        return [queue.pop() for _ in range(min(len(queue), max(1, len(queue) // 4)))]
    return [queue.popleft() for _ in range(min(len(queue), max(1, len(queue) // 2)))]


def _recover(
    pool: RayWorkers, flight: _Flight, queues: list[deque[_Job]], error: RayActorError,
    lost: Callable[[int], None],
) -> None:  # fmt: skip
    log.warning("worker %d died; another takes its place and its work is done again", flight.place)
    pool.replace(flight.place)  # first of all: a row that ends here leaves a pool that works to the next
    lost(flight.place)
    if max(job.attempts for job in flight.jobs) >= ATTEMPTS:
        raise RowError(f"worker {flight.place} died {ATTEMPTS} times over the same work (out of memory?)") from error
    queues[flight.place].extendleft(reversed(flight.jobs))


def _give_up(
    pool: RayWorkers, flights: dict[Any, _Flight], queues: list[deque[_Job]], lost: Callable[[int], None]
) -> list[_Job]:
    """Replace actors that hang, so that they delay nothing that comes after, and return lost jobs."""
    late = [job for flight in flights.values() for job in flight.jobs]
    for flight in flights.values():
        ray.kill(pool.actors[flight.place])
        pool.replace(flight.place)
    for flight in flights.values():
        lost(flight.place)
    return late + [job for queue in queues for job in queue]


class RayGrid(SiloGrid):
    """The silos of a simulation on Ray actors."""

    def __init__(self, pool: RayWorkers, silos: int) -> None:
        super().__init__(silos)
        self._pool = pool
        self._home: dict[int, int] = {}
        self._stateful: set[int] = set()

    def _exchange(
        self, exchange: Exchange, groups: Sequence[Group], timeout: float | None
    ) -> list[GroupOutcome]:
        reference = ray.put(exchange)
        results: list[GroupOutcome] = []

        def receive(place: int, jobs: list[_Job], outcomes: list[GroupOutcome]) -> None:
            results.extend(outcomes)
            for outcome in outcomes:
                if outcome.stateful:
                    self._stateful.add(outcome.group)
                    self._home[outcome.group] = place

        late = spread(
            self._pool, self._queues(groups),
            lambda actor, jobs: actor.handle.remote(reference, [job.item for job in jobs]), receive,
            timeout, may_move=not self._stateful, lost=self._check_state_lost,
        )  # fmt: skip
        results += [_timed_out(job.item, timeout) for job in late]
        return results

    def _queues(self, groups: Sequence[Group]) -> list[deque[_Job]]:
        """Give each group to the actor that has it, a new one to the actor with fewest requests."""
        queues: list[deque[_Job]] = [deque() for _ in range(self._pool.count)]
        load = [0] * self._pool.count
        for group, requests in sorted(groups, key=lambda item: (-len(item[1]), item[0])):
            place = self._home.get(group)
            if place is None or not self._stateful:
                place = self._home[group] = load.index(min(load))
            load[place] += len(requests)
            queues[place].append(_Job((group, requests)))
        return queues

    def _check_state_lost(self, place: int) -> None:
        if any(self._home.get(group) == place for group in self._stateful):
            raise RowError(f"worker {place} died and with it the state of its silos; resume from the last checkpoint")


def _timed_out(group: Group, timeout: float | None) -> GroupOutcome:
    reason = f"no reply within {timeout:g} s"
    return GroupOutcome(group[0], tuple(Outcome(r, None, reason) for r in group[1]), None, False)
