"""A run whose process is killed in the middle of every row, and resumed each time."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from fedasr.common.errors import RowError
from fedasr.engine.conformity.runner import Runner, child_command
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.server.progress import Progress

KILLED, RUN = "killed", "run"
"""The folders of marks, one for each row in which the process was killed, and of the run."""


class KillingWatcher(Watcher):
    """Kills its own process (SIGKILL) in the middle of each row, once.

    Parameters
    ----------
    marks : Path
        The folder of marks.
    rows : set of str
        The rows in which it does so.
    """

    def __init__(self, marks: Path, rows: set[str]) -> None:
        self._marks, self._rows = marks, rows

    def round(self, progress: Progress) -> None:
        """Kill the process when half of the rounds are done, before they are saved."""
        mark = self._marks / progress.row
        if progress.row in self._rows and progress.round >= max(1, progress.rounds // 2) and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)


def killed_and_resumed(file: Path, folder: Path, run: Runner) -> list[dict[str, Any]]:
    """Run an experiment in processes of their own, each killed in another row, and return the rows at the end.

    Raises
    ------
    RowError
        Where a process ended otherwise, or no row came to its middle.
    """
    marks, task = folder / KILLED, {"experiment": str(file), "folder": str(folder)}
    marks.mkdir(parents=True)
    for _ in range(len(Experiment.load(file).compare) + 1):
        done = subprocess.run(child_command(task), capture_output=True, text=True)
        if done.returncode != -signal.SIGKILL:
            break
    if done.returncode not in (0, 1):
        raise RowError(f"exit code {done.returncode}: {' '.join(done.stderr.split())[-300:]}")
    if not any(marks.iterdir()):
        raise RowError("no row came to its middle, so none was killed")
    return list(run(Experiment.load(file), resume=folder / RUN, grid="process").rows)


def run_until_killed(task: dict[str, str], run: Runner) -> int:
    """Begin an experiment or go on with it, and kill this process in the middle of the next row."""
    experiment, folder = Experiment.load(task["experiment"]), Path(task["folder"])
    watcher = KillingWatcher(folder / KILLED, {row.name for row in experiment.compare})
    place = {"resume" if (folder / RUN).exists() else "out": folder / RUN}
    return int(any(row["failure"] for row in run(experiment, grid="process", watcher=watcher, **place).rows))
