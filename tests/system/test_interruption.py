"""A run that is told to end, or that another process takes for dead: what is said, and what is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

import fedasr
from fedasr.common.errors import UserError
from fedasr.engine.request import requested
from fedasr.runs.folder import Run

ROUNDS = 60
MARK = "FEDASR_TEST_RUN"
"""What tells the processes of a run, Ray's too, from others."""


@dataclass(frozen=True)
class Started:
    """A command at work."""

    process: subprocess.Popen[str]
    folder: Path

    def rounds(self) -> list[int]:
        path = self.folder / "fedavg" / "metrics.jsonl"
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        return [json.loads(line)["round"] for line in lines]

    def wait_for(self, round: int) -> None:
        deadline = time.monotonic() + 200
        while round not in self.rounds():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def ended(self) -> list[str]:
        """Return what it wrote on standard error."""
        _, told = self.process.communicate(timeout=200)
        assert "Traceback" not in told
        return told.splitlines()

    def others(self) -> list[psutil.Process]:
        """Return the processes that it started and that are there still."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == str(self.folder) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return [process for process in found if process.pid != self.process.pid]


@contextmanager
def started(toml: Path, folder: Path, *options: str) -> Iterator[Started]:
    line = [sys.executable, "-m", "fedasr.simulate", str(toml), "--strategy", "fedavg", "--out", str(folder), *options]
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, MARK: str(folder)},
    )  # fmt: skip
    run = Started(process, folder)
    try:
        yield run
    finally:
        for other in (*run.others(), process):
            other.kill()
        process.communicate()


@pytest.fixture
def toml(write_toml: Callable[..., Path]) -> Path:
    return write_toml(training={"rounds": ROUNDS, "evaluate_every": ROUNDS})


def go_on(folder: Path) -> dict[str, Any]:
    (row,) = fedasr.run(requested(None, None, [], [], [], folder), resume=folder, grid="process").rows
    return row


def test_a_run_taken_for_dead_is_left_alone_and_one_told_to_end_goes_on_to_the_same_bits(
    toml: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    with started(toml, folder, "--grid", "process") as run:
        run.wait_for(3)
        run.process.send_signal(signal.SIGSTOP)
        with pytest.raises(UserError) as refused:
            go_on(folder)
        (line,) = refused.value.lines
        assert f"another process, pid {run.process.pid} on " in line
        assert Run.open(folder).row(*Run.open(folder).experiment.rows()[0]).rounds()  # who only reads is not kept out
        run.process.send_signal(signal.SIGCONT)
        run.process.terminate()
        told = run.ended()
        assert told[-2:] == ["interrupted; go on with", f"python -m fedasr.simulate --resume {folder} --grid process"]
        assert run.process.returncode == 143
        assert len(run.rounds()) < ROUNDS
        row = go_on(folder)
        assert run.rounds() == list(range(ROUNDS + 1))
    undisturbed = requested(str(toml), None, ["fedavg"], [], [], None)
    (whole,) = fedasr.run(undisturbed, out=tmp_path / "whole", grid="process").rows
    assert row["model_sha256"] == whole["model_sha256"]
    assert row["uplink_bytes"] == whole["uplink_bytes"]


def test_a_scheduler_that_ends_all_processes_at_once_leaves_none_of_rays(toml: Path, tmp_path: Path) -> None:
    with started(toml, tmp_path / "run", "--workers", "1", "--release") as run:
        run.wait_for(0)
        assert run.others()
        os.killpg(run.process.pid, signal.SIGTERM)
        told = run.ended()
        assert run.process.returncode == 143, told
        again = f"python -m fedasr.simulate --resume {run.folder} --workers 1 --release"
        assert told[-2:] == ["interrupted; go on with", again]
        deadline = time.monotonic() + 60
        while run.others():
            assert time.monotonic() < deadline, run.others()
            time.sleep(0.2)
