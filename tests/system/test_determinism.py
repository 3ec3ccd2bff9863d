"""Same seed, same weights: for any number of workers, for either grid, and after being killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.running import Finished, Simulated

import fedasr
from fedasr.experiment.experiment import Experiment

ROWS = ["public-only", "fedavg", "centralised", "adam", "local-only", "gtc", "bmuf"]
REACHED = 3
"""A run is killed once so many rounds are logged."""


def test_all_rows_made_a_model_of_their_own(simulated: Callable[..., Simulated]) -> None:
    digests = simulated("--grid", "process").digests
    assert list(digests) == ROWS
    assert len(set(digests.values())) == len(ROWS)
    assert all(len(digest) == 64 for digest in digests.values())


@pytest.mark.parametrize("workers", ["1", "2", "3"])
def test_the_number_of_workers_changes_no_bit(workers: str, simulated: Callable[..., Simulated]) -> None:
    expected, found = simulated("--grid", "process"), simulated("--workers", workers)
    assert found.digests == expected.digests
    for mine, theirs in zip(found.summary["rows"], expected.summary["rows"], strict=True):
        measured = ("wall_seconds", "peak_memory_bytes", "training_cpu_seconds")
        assert {k: v for k, v in mine.items() if k not in measured} == {
            k: v for k, v in theirs.items() if k not in measured
        }
    ours, theirs = (
        [line["evaluation"] for line in _lines(run.folder / "adam" / "metrics.jsonl")] for run in (found, expected)
    )
    assert ours == theirs
    assert all(evaluation["eval_loss"] > 0 for evaluation in ours[1:])
    for row in ROWS:
        for name in ("hypotheses.jsonl", "speakers.json", "silos.json"):
            ours, other = found.folder / row / name, expected.folder / row / name
            if (row, name) == ("local-only", "hypotheses.jsonl"):  # its models stay in the silos, and what they hear
                assert not ours.exists()
            else:
                assert ours.read_bytes() == other.read_bytes() != b""


def test_another_seed_gives_other_models_and_the_api_gives_those_of_the_command(
    simulated: Callable[..., Simulated], longer_file: Path, tmp_path: Path
) -> None:
    for seed in (5, 6):
        experiment = Experiment.load(longer_file, {"seed": seed})
        rows = fedasr.run(experiment, grid="process", out=tmp_path / str(seed)).rows
        expected = simulated("--grid", "process").digests
        assert {row["model_sha256"] == expected[row["name"]] for row in rows} == {seed == 5}


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]]


def _run_until(row: str, folder: Path, arguments: list[str]) -> list[dict[str, Any]]:
    """Start a run, kill all its processes in the middle of a row and return what was logged of it."""
    line = [sys.executable, "-m", "fedasr.simulate", *arguments]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    try:
        while len(_lines(folder / row / "metrics.jsonl")) <= REACHED:
            assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
            time.sleep(0.005)
    finally:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        psutil.wait_procs(family, timeout=20)
    assert not (folder / row / "row.jsonl").exists()
    return _lines(folder / row / "metrics.jsonl")


def test_a_killed_run_goes_on_to_the_same_bits(
    longer_file: Path, simulated: Callable[..., Simulated], run_command: Callable[..., Finished], tmp_path: Path
) -> None:
    """Killed in the middle of five rows, on either grid, and resumed on another than it was begun on.

    Two of the rows have silos that keep residuals, momentum and Adam's moments between messages.
    """
    folder, logged = tmp_path / "run", {}
    begin, resume = [str(longer_file), "--out", str(folder)], ["--resume", str(folder)]
    for row, arguments in (
        ("fedavg", [*begin, "--workers", "2"]),
        ("centralised", [*resume, "--grid", "process"]),
        ("adam", [*resume, "--grid", "process"]),
        ("gtc", [*resume, "--workers", "2"]),
        ("bmuf", [*resume, "--grid", "process"]),
    ):
        logged[row] = _run_until(row, folder, arguments)
    finished = run_command("fedasr.simulate", *resume, "--grid", "process", "--json")
    assert finished.code == 0, finished.err
    expected = simulated("--grid", "process")
    assert Simulated(folder, finished).digests == expected.digests
    for row, before in logged.items():
        after = _lines(folder / row / "metrics.jsonl")
        assert [line["round"] for line in after] == [
            line["round"] for line in _lines(expected.folder / row / "metrics.jsonl")
        ]
        kept = [line for line in before if line in after]
        assert any(line["round"] >= 1 for line in kept), "the row began anew"
    for row, other in zip(json.loads(finished.out)["rows"], expected.summary["rows"], strict=True):
        for key in (
            "uplink_bytes",
            "downlink_bytes",
            "rounds",
            "wer",
            "development_wer",
            "refused_replies",
            "simulated_seconds",
        ):
            assert row[key] == other[key], key


def test_a_finished_run_is_not_run_again(
    simulated: Callable[..., Simulated], run_command: Callable[..., Finished]
) -> None:
    before = simulated("--workers", "3")
    finished = run_command("fedasr.simulate", "--resume", before.folder, "--grid", "process", "--json")
    assert finished.code == 0, finished.err
    assert json.loads(finished.out) == before.summary
