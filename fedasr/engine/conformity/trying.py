"""Trying algorithms: each leg in a process of its own, ended when its time is up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from fedasr.common.errors import RowError, UserError
from fedasr.engine.conformity.case import Case
from fedasr.engine.conformity.killing import run_until_killed
from fedasr.engine.conformity.legs import LEGS
from fedasr.engine.conformity.outcome import Skipped, Trial, Verdict
from fedasr.engine.conformity.runner import Runner, child_command


def tried(case: Case, legs: Sequence[str], told: Callable[[str], None] = lambda line: None) -> Verdict:
    """Run legs one after another and return what came of each row.

    Parameters
    ----------
    case : Case
    legs : sequence of str
    told : callable
        Given the name of each leg as it begins.
    """
    trials: list[Trial] = []
    skipped: list[Skipped] = []
    with tempfile.TemporaryDirectory(prefix="fedasr-conform-") as place:
        folder = Path(place)
        case.experiment(folder / "speech")  # what is wrong with the request is told before anything runs
        for leg in legs:
            told(leg)
            found = _run(case, leg, folder, LEGS[leg].limit(case))
            if isinstance(found, Skipped):
                skipped.append(found)
            else:
                trials += found
    return Verdict(tuple(trials), tuple(skipped))


def _run(case: Case, leg: str, folder: Path, limit: float) -> list[Trial] | Skipped:
    """Run a leg in a process group of its own; what is left of it is killed at the end."""
    written = folder / f"{leg}.json"
    line = child_command({"leg": leg, "folder": str(folder), "written": str(written), "case": asdict(case)})
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen(line, **pipes, text=True, start_new_session=True) as child:  # type: ignore[call-overload]
        try:
            _, errors = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            return Skipped(leg, f"it was ended after {limit:.0f} s")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
    if child.returncode or not written.exists():
        last = (errors.strip().splitlines() or ["no reason given"])[-1]
        return Skipped(leg, f"exit code {child.returncode}: {last}")
    return [Trial(**trial) for trial in json.loads(written.read_text(encoding="utf-8"))]


def done_as_child(task: str, run: Runner) -> int:
    """Do a task of `child_command` in this process and return the exit code."""
    work = json.loads(task)
    if "leg" not in work:
        return run_until_killed(work, run)
    try:
        trials = LEGS[work["leg"]].run(Case(**work["case"]), Path(work["folder"]), work["leg"], run)
    except (RowError, UserError) as error:
        print(error, file=sys.stderr)
        return 1
    Path(work["written"]).write_text(json.dumps([asdict(trial) for trial in trials]), encoding="utf-8")
    return 0
