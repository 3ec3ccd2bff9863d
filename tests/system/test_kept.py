"""What a run had made when it had to stop is kept, and it goes on to the bits that it would have had."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.forms import benchmark
from support.full_disk import fill_disk
from support.running import tiny_table

import fedasr
import fedasr.engine.row
from fedasr.common.console import details
from fedasr.common.errors import StoppedError, UserError
from fedasr.experiment.experiment import Experiment
from fedasr.simulate import app as simulate

every_round_saved = benchmark("damage.making").every_round_saved
TABLE = tiny_table(training={"rounds": 3})
RANDOM = tiny_table(
    reproducible_noise=True, start={"epochs": 2},
    compare=[
        {"name": "fedavg", "strategy": "fedavgm", "options": {"momentum": 0.5}},
        {"name": "gtc", "strategy": "gtc", "options": {"density": 0.05}, "training": {"momentum": 0.5}},
        {"name": "dp", "strategy": "dp-fedavg", "options": {"epsilon": 8.0}, "training": {"silos_per_round": 0}},
    ],
)  # fmt: skip
"""Silos that keep residuals, and releases."""
ROWS = ["public-only", "fedavg"]


def run(folder: Path, resume: bool = False, table: Any = TABLE) -> list[dict[str, Any]]:
    place = {"resume": folder} if resume else {"out": folder}
    return fedasr.run(Experiment.from_table(table), grid="process", **place).rows  # type: ignore[arg-type]


def told(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(row["name"], row["status"], row["model_sha256"], row["uplink_bytes"], row["wer"]) for row in rows]


def summary(folder: Path) -> list[dict[str, Any]]:
    return list(json.loads((folder / "summary.json").read_text())["rows"])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, _surroundings: None) -> list[tuple[Any, ...]]:
    return told(run(tmp_path_factory.mktemp("undisturbed") / "run"))


def test_a_full_disk_leaves_all_that_was_made_and_the_run_goes_on(
    undisturbed: list[tuple[Any, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        fill_disk(patch, 1, lambda path: path.name == "state.safetensors")
        with pytest.raises(StoppedError, match="the disk is full; free some space") as stopped:
            run(folder)
    assert stopped.value.__notes__ == [f"python -m fedasr.simulate --resume {folder}"]
    assert (folder / "fedavg" / "checkpoint" / "state.safetensors").exists()
    assert [row["status"] for row in summary(folder)] == ["finished"]
    assert told(run(folder, resume=True)) == undisturbed
    log = (folder / "log.txt").read_text()
    assert log.count("fedavg: begins, row 2 of 2") == 2
    assert "fedavg: round 3" in log
    assert "fedavg: finished" in log


@pytest.fixture(scope="module")
def moments(tmp_path_factory: pytest.TempPathFactory, _surroundings: None) -> tuple[int, list[tuple[Any, ...]]]:
    """Return how many files a run writes that saves every round, and what comes of it."""
    with pytest.MonkeyPatch.context() as patch, every_round_saved():
        written = fill_disk(patch, 10**9)
        rows = run(tmp_path_factory.mktemp("moments") / "run", table=RANDOM)
    return written(), told(rows)


@pytest.mark.parametrize("seed", range(10))
def test_a_disk_that_is_full_at_a_random_moment_costs_no_bit(
    seed: int, moments: tuple[int, list[tuple[Any, ...]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (total, undisturbed), folder = moments, tmp_path / "run"
    with monkeypatch.context() as patch, every_round_saved():
        fill_disk(patch, random.Random(seed).randrange(total))
        with suppress(UserError):
            run(folder, table=RANDOM)
    assert told(run(folder, resume=folder.exists(), table=RANDOM)) == undisturbed
    assert "a" in (folder / "report.html").read_text()
    assert [row["status"] for row in summary(folder)] == ["finished"] * 3


def test_a_disk_that_fills_in_the_second_row_keeps_the_first_with_its_page(
    write_toml: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    real = fedasr.engine.row.save_model

    def save_model(path: Path, *arguments: Any) -> None:
        with monkeypatch.context() as patch:
            if path.parent.name == "fedavg":
                fill_disk(patch, 0)
            real(path, *arguments)

    monkeypatch.setattr(fedasr.engine.row, "save_model", save_model)
    with pytest.raises(SystemExit) as exit_:
        simulate([str(write_toml()), "--grid", "process", "--out", str(folder)])
    line, command = capfd.readouterr().err.splitlines()[-2:]
    assert exit_.value.code == 1
    assert line.startswith("error: ")
    assert "the disk is full" in line
    assert command == f"python -m fedasr.simulate --resume {folder} --grid process"
    assert [row["status"] for row in summary(folder)] == ["finished"]
    assert "public-only" in (folder / "report.html").read_text()
    monkeypatch.undo()
    assert [row["status"] for row in run(folder, resume=True, table=tiny_table())] == ["finished", "finished"]


def test_an_error_of_the_code_itself_costs_its_own_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"

    def scored(*arguments: Any) -> None:
        raise KeyError("word")

    with monkeypatch.context() as patch:
        patch.setattr(fedasr.engine.row, "_scored_model", scored)
        first, second = run(folder)
    assert {first["status"], second["status"]} == {"failed"}
    assert f"KeyError: 'word' (an error of fedasr: {folder / 'fedavg' / 'failure.txt'} says where)" in second["failure"]
    assert "raise KeyError" in (folder / "fedavg" / "failure.txt").read_text()
    assert [row["status"] for row in run(folder, resume=True)] == ["finished", "finished"]


def test_a_crash_between_rows_leaves_the_page_of_those_that_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"

    def run_row(parts: Any) -> Any:
        if parts.row.name == "fedavg":
            raise KeyboardInterrupt
        return fedasr.engine.row.run_row(parts)

    monkeypatch.setattr("fedasr.engine.all_rows.run_row", run_row)
    with pytest.raises(KeyboardInterrupt) as crash:
        run(folder)
    assert crash.value.__notes__ == [f"python -m fedasr.simulate --resume {folder}"]
    assert [row["name"] for row in summary(folder)] == ["public-only"]
    assert "public-only" in (folder / "report.html").read_text()


def test_verbose_shows_on_the_terminal_what_goes_into_the_log(
    write_toml: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shown = {}
    for name, options in (("loud", ["--verbose"]), ("quiet", [])):
        with suppress(SystemExit):
            simulate([str(write_toml()), "--grid", "process", "--out", str(tmp_path / name), *options])
        shown[name] = capfd.readouterr().err
        for logger in (logging.getLogger("fedasr"), details):  # as a command of its own begins
            logger.handlers.clear()
    log = (tmp_path / "loud" / "log.txt").read_text()
    for line in ("fedavg: begins, row 2 of 2", "fedavg: round 1, loss ", "fedavg: finished"):
        assert line in log
        assert line in shown["loud"]
        assert line not in shown["quiet"]
    quiet = (tmp_path / "quiet" / "log.txt").read_text()
    assert quiet.count("\n") == log.count("\n")
