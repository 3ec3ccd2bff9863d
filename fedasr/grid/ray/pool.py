"""Silos on Ray actors: one compute thread an actor, a silo sticks to its actor, models travel once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError

from fedasr.common.environment import versions
from fedasr.common.errors import RowError, UserError
from fedasr.common.randomness import Streams
from fedasr.grid.ray.actor import Actor
from fedasr.grid.ray.grid import RayGrid
from fedasr.grid.ray.joining import join
from fedasr.grid.ray.machines import Machine, difference, unusable
from fedasr.grid.ray.queues import Job, Queues
from fedasr.grid.ray.shipping import pieces
from fedasr.grid.ray.spread import DEATHS, Spread, Task
from fedasr.grid.rules import RULES, Rules
from fedasr.grid.silo_grid import SiloGrid
from fedasr.grid.worker import AppFactory, NodeConfigs
from fedasr.grid.workers import MapFunction, Workers

log = logging.getLogger("fedasr")
WAIT_SECONDS = 60.0
"""How long the actors of a cluster may take before the user is told that there are too many."""
REPLACE_SECONDS = 120.0
"""How long another actor may take to follow a dead one."""


class RayWorkers(Workers):
    """A pool of Ray actors.

    Parameters
    ----------
    count : int
        How many actors.
    address : str, optional
        The address of a running cluster. Without it a private one is started on this machine, or, where this process
        is in a Ray already, that one is taken as it is, and left as it was.

    Raises
    ------
    UserError
        Where there is no such cluster, or no private one can be started.
    """

    def __init__(self, count: int, address: str | None = None) -> None:
        self._joined = join(count, address)
        self.count = count = self._joined.workers
        self._actor_class: Any = ray.remote(num_cpus=1, num_gpus=_gpu_share(count))(Actor)
        self.actors: list[Any] = [self._actor_class.remote() for _ in range(count)]
        self._opened: tuple[Any, ...] | None = None
        self._shared: dict[Path, list[Any]] = {}
        self._machines: dict[str, Machine] = {}
        """Those of a cluster, by node, once they were looked at."""

    def _await_actors(self) -> None:
        """Wait until all actors run; a cluster that scales by itself may have to start machines first."""
        waiting = [actor.ready.remote() for actor in self.actors]
        started, missing = ray.wait(waiting, num_returns=self.count, timeout=WAIT_SECONDS)
        if missing:
            log.warning(
                "the cluster has room for %d of %d workers; waiting for more (--workers asks for fewer)",
                len(started), self.count,
            )  # fmt: skip
        try:
            differs = self._look_at(self.actors)
        except (RayError, RuntimeError) as error:
            raise UserError(unusable(error)) from error
        if differs:
            raise UserError(differs)

    def _look_at(self, actors: Sequence[Any]) -> str:
        """Learn what runs where some actors work; return in a line what is not as it is here."""
        found: list[Machine] = ray.get([actor.machine.remote() for actor in actors])
        self._machines.update({machine.node: machine for machine in found})
        return difference({machine.node: machine for machine in found}.values(), versions())

    def share(self, folder: Path) -> None:
        """Copy a folder to the machines that lack it; a cluster on this machine alone has it."""
        if not self._joined.is_here:
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

    def open_grid(
        self, app_factory: AppFactory, node_configs: NodeConfigs, streams: Streams, rules: Rules = RULES
    ) -> SiloGrid:
        self._opened = (app_factory, node_configs, streams, rules.codec)
        reference = [ray.put(part) for part in self._opened]
        opening = [actor.open.remote(*reference) for actor in self.actors]
        for place, opened in enumerate(opening):
            try:
                ray.get(opened)
            except DEATHS:  # it died between two rows
                self.replace(place)
        return RayGrid(self, len(node_configs), rules)

    def forget(self) -> None:
        self._opened = None
        forgetting = [actor.forget.remote() for actor in self.actors]
        super().forget()
        ray.wait(forgetting, num_returns=len(forgetting))  # of one that is dead the next grid will learn

    def map(self, function: MapFunction, shared: Any, items: Sequence[Any]) -> list[Any]:
        reference = ray.put(shared)
        results: dict[int, Any] = {}
        jobs = [Job(number) for number in range(len(items))]
        task = Task(
            lambda actor, piece: actor.apply.remote(function, reference, [items[j.item] for j in piece]),
            lambda place, piece, values: results.update(zip((j.item for j in piece), values, strict=True)),
        )  # fmt: skip
        Spread(self, Queues([jobs[place :: self.count] for place in range(self.count)]), task).run()
        return [results[number] for number in range(len(items))]

    def replace(self, place: int) -> None:
        """Start another actor in the place of a dead one and wait until it can work."""
        self.actors[place] = self._actor_class.remote()
        try:
            ray.get(self.actors[place].ready.remote(), timeout=REPLACE_SECONDS)
            differs = "" if self._joined.is_here else self._look_at([self.actors[place]])
        except GetTimeoutError as error:
            reason = f"worker {place} died and none took its place within {REPLACE_SECONDS:g} s"
            raise RowError(f"{reason}; resume when the cluster has room") from error
        except (RayError, RuntimeError) as error:
            raise RowError(f"worker {place} died, and no other can take its place: {unusable(error)}") from error
        if differs:
            raise RowError(f"worker {place} died, and what takes its place differs: {differs}")
        for folder in self._shared:
            self._send(folder, [self.actors[place]])
        if self._opened is not None:
            ray.get(self.actors[place].open.remote(*self._opened))

    def process_ids(self) -> list[int]:
        """Return the process id of each actor."""
        return list(ray.get([actor.ready.remote() for actor in self.actors]))

    def describe(self) -> dict[str, Any]:
        if self._joined.is_here:
            return {"workers": self.count, "machines": 1}
        machines = {node: machine.described() for node, machine in sorted(self._machines.items())}
        return {"workers": self.count, "machines": len(machines), "versions_by_machine": machines}

    def close(self) -> None:
        if not self._joined.is_ours:
            for actor in self.actors:
                ray.kill(actor)
        self._joined.leave()


def _gpu_share(count: int) -> float:
    gpus = ray.cluster_resources().get("GPU", 0)  # type: ignore[no-untyped-call]
    return min(1.0, gpus / count) if gpus else 0.0
