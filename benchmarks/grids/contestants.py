"""Runs one contestant in a process of its own and watches that process's memory from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path

import psutil

from grids.cases import CASES, FLOWER, OWN, PFL, Case, Measurement

SAMPLE_SECONDS = 0.25
LIMIT_SECONDS = 900
ENVIRONMENT = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # Ray's workers are nice to other processes; pfl's one process is not.
    "RAY_worker_niceness": "0",
}


def missing(contestant: str) -> str | None:
    """Return which package a contestant lacks, or None."""
    if contestant == PFL and find_spec("pfl") is None:
        return "pfl is not installed: pip install -e '.[bench]'"
    if contestant == FLOWER and find_spec("flwr.simulation") is None:
        return "flwr[simulation] is not installed: pip install -e '.[bench]'"
    return None


def work(contestant: str, case: Case, output: Path) -> None:
    """Measure in this process and write the outcome; what the subprocess does."""
    if contestant == OWN:
        from grids.fedasr_grid import measure
    elif contestant == FLOWER:
        from grids.flower_engine import measure
    else:
        from grids.pfl_backend import measure
    rounds = measure(case)
    answer = {"seconds": rounds.seconds, "model": rounds.model, "driver_bytes": _peak_resident_bytes()}
    output.write_text(json.dumps(answer), encoding="utf-8")


def run(contestant: str, case: Case) -> Measurement:
    """Measure one contestant in a fresh process."""
    reason = missing(contestant)
    if reason:
        return Measurement(absent=reason)
    with tempfile.TemporaryDirectory() as folder:
        output, log = Path(folder, "answer.json"), Path(folder, "log.txt")
        script = str(Path(__file__).parents[1] / "grid.py")
        command = [sys.executable, script, "--contestant", contestant, "--case", json.dumps(asdict(case))]
        with open(log, "wb") as sink:
            process = subprocess.Popen(
                [*command, "--answer", str(output)], stdout=sink, stderr=sink, env={**os.environ, **ENVIRONMENT}
            )
            driver, total = _watch(process)
        if not output.exists():
            tail = " / ".join(log.read_text(errors="replace").strip().splitlines()[-3:])
            return Measurement(absent=f"failed with exit code {process.returncode}: {tail}")
        answer = json.loads(output.read_text(encoding="utf-8"))
    return Measurement(tuple(answer["seconds"]), answer["driver_bytes"], driver, total, answer["model"])


def case_of(text: str) -> Case:
    """Return the case that a subprocess was given."""
    return Case(**json.loads(text))


def chosen(only: list[str], rounds: int | None) -> list[Case]:
    """Return the cases with these names, or all; with another number of rounds where one is given."""
    names = [case.name for case in CASES]
    unknown = [name for name in only if name not in names]
    if unknown:
        raise SystemExit(f"--only {unknown[0]}: there is no such case; choose from {', '.join(names)}")
    cases = [case for case in CASES if not only or case.name in only]
    return [replace(case, rounds=rounds or case.rounds) for case in cases]


def _watch(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """Sample memory until the process ends; return the peaks of the driver and of all processes."""
    watched = psutil.Process(process.pid)
    deadline = time.monotonic() + LIMIT_SECONDS
    driver = total = 0
    while process.poll() is None:
        sizes = _share_bytes(watched)
        driver, total = max(driver, sizes.get(process.pid, 0)), max(total, sum(sizes.values()))
        if time.monotonic() > deadline:
            process.kill()
        time.sleep(SAMPLE_SECONDS)
    return driver, total


def _share_bytes(process: psutil.Process) -> dict[int, int]:
    """Return the proportional set size of a process and of each that it started, by process id."""
    try:
        processes = [process, *process.children(recursive=True)]
    except psutil.Error:
        return {}
    sizes = {}
    for each in processes:
        try:
            text = Path(f"/proc/{each.pid}/smaps_rollup").read_text(encoding="ascii")
        except OSError:
            continue
        sizes[each.pid] = sum(1024 * int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return sizes


def _peak_resident_bytes() -> int:
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return next(1024 * int(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM"))
