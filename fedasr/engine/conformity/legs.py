"""The legs: every runtime in which an algorithm must end alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from fedasr.common.errors import UserError, nearest
from fedasr.engine.conformity.case import Case
from fedasr.engine.conformity.killing import killed_and_resumed
from fedasr.engine.conformity.outcome import FAILING, UNDISTURBED, Trial
from fedasr.engine.conformity.runner import Runner
from fedasr.engine.conformity.silo_failure import WithFailingSilo
from fedasr.engine.conformity.super_nodes import on_super_nodes
from fedasr.grid.in_process import InProcess
from fedasr.grid.workers import Workers

Run = Callable[[Case, Path, str, Runner], Sequence[Trial]]
"""Given the case, a folder, the leg's name and what runs an experiment; returns what came of each row."""


def in_workers(case: Case, folder: Path, leg: str, run: Runner, workers: Workers) -> list[Trial]:
    """Run all rows undisturbed, then with a silo that fails, whichever silos a round would draw."""
    found = []
    for group, pool in ((UNDISTURBED, workers), (FAILING, WithFailingSilo(workers))):
        experiment = case.experiment(folder / "speech", is_whole=group == FAILING)
        result = run(experiment, out=folder / leg / group, grid=pool, workers=1)
        found += [Trial.of(row, leg, group) for row in result.rows]
    return found


def _in_process(case: Case, folder: Path, leg: str, run: Runner) -> list[Trial]:
    return in_workers(case, folder, leg, run, InProcess())


def _on_ray(count: int) -> Run:
    def run_leg(case: Case, folder: Path, leg: str, run: Runner) -> list[Trial]:
        from fedasr.grid.ray.pool import RayWorkers

        with closing(RayWorkers(count)) as workers:
            return in_workers(case, folder, leg, run, workers)

    return run_leg


def _resumed(case: Case, folder: Path, leg: str, run: Runner) -> list[Trial]:
    experiment = case.write(case.experiment(folder / "speech"), folder / f"{leg}.toml")
    return [Trial.of(row, leg, UNDISTURBED) for row in killed_and_resumed(experiment, folder / leg, run)]


@dataclass(frozen=True)
class Leg:
    """One runtime.

    Parameters
    ----------
    run : callable
        See `Run`.
    seconds, seconds_a_row : float
        It is ended when it takes longer: so much as a whole, and so much for each row.
    """

    run: Run
    seconds: float = 120.0
    seconds_a_row: float = 30.0

    def limit(self, case: Case) -> float:
        """Return the seconds after which the leg is ended."""
        return case.seconds or self.seconds + self.seconds_a_row * len(case.rows())


LEGS: dict[str, Leg] = {
    "process": Leg(_in_process),
    "ray-1": Leg(_on_ray(1)),
    "ray-2": Leg(_on_ray(2)),
    "ray-3": Leg(_on_ray(3)),
    "resumed": Leg(_resumed),
    "supernodes": Leg(on_super_nodes, seconds_a_row=300.0),
}
"""By name; ``process`` and ``ray``, with so many workers, run undisturbed and with a silo that fails."""


def chosen_legs(names: str) -> list[str]:
    """Return the legs that a list with commas names; all where it is empty.

    Raises
    ------
    UserError
        Where there is no such leg.
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in LEGS:
            raise UserError(f"--legs: there is no leg '{name}'{nearest(name, LEGS)}")
    return [name for name in LEGS if name in wanted] or list(LEGS)
