"""What all tests share: a cache of their own, a tiny experiment, and commands as a user runs them."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import torch
from hypothesis import HealthCheck, settings

from fedasr.experiment import Experiment
from fedasr.preparation import Prepared, prepare_experiment
from fedasr.simulate import app as simulate
from fedasr.watcher import Watcher

settings.register_profile("fedasr", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fedasr")

TINY: dict[str, Any] = {
    "name": "tiny",
    "seed": 5,
    "corpus": {
        "kind": "synthetic", "grammar": "digits", "speakers": 9, "utterances_per_speaker": 3,
        "public_speakers": 2, "development_speakers": 1, "test_speakers": 2,
    },
    "model": {"encoder": "bilstm", "layers": 1, "units": 16, "mels": 16, "dropout": 0.1},
    "start": {"epochs": 1, "batch_size": 4},
    "central": {"epochs": 2, "batch_size": 4},
    "training": {"rounds": 2, "local_steps": 1, "batch_size": 2, "silos_per_round": 3, "learning_rate": 0.05},
    "compare": [
        {"name": "public-only", "strategy": "public-only"},
        {"name": "fedavg", "strategy": "fedavg", "options": {"momentum": 0.5, "nesterov": True}},
    ],
}  # fmt: skip
"""Synthetic digits, four silos, one layer of 16 units, two rounds."""


def tiny_table(**changes: Any) -> dict[str, Any]:
    """Return the tiny experiment's table; a change of a table is merged into it."""
    table = json.loads(json.dumps(TINY))
    for key, value in changes.items():
        table[key] = {**table[key], **value} if isinstance(value, dict) else value
    return table


@pytest.fixture(scope="session", autouse=True)
def _surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setenv("FEDASR_CACHE", str(tmp_path_factory.mktemp("cache")))
    patch.setenv("OMP_NUM_THREADS", "1")
    for name in ("FLWR_TELEMETRY_ENABLED", "RAY_USAGE_STATS_ENABLED"):
        patch.setenv(name, "0")
    torch.set_num_threads(1)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """A command called in this process binds the log to a stream that pytest takes away."""
    yield
    own = logging.getLogger("fedasr")
    own.handlers.clear()
    own.propagate = True


@pytest.fixture(scope="session")
def speech_data() -> Path:
    checkout = Path(__file__).resolve().parents[1]
    folder = Path(os.environ.get("FEDASR_DATA") or checkout.parent / "shared" / "data")
    if not (folder / "an4").is_dir():
        pytest.skip(f"no real speech at {folder}; set FEDASR_DATA to the folder that holds an4 and fsdd")
    return folder


@pytest.fixture
def tiny() -> Experiment:
    return Experiment.from_table(tiny_table())


@pytest.fixture(scope="session")
def prepared(_surroundings: None) -> Prepared:
    """Return the tiny experiment with its speech."""
    return prepare_experiment(Experiment.from_table(tiny_table()), 1, Watcher())


@pytest.fixture
def write_toml(tmp_path: Path) -> Callable[..., Path]:
    """Write the tiny experiment, changed, to a file."""

    def write(**changes: Any) -> Path:
        path = tmp_path / "experiment.toml"
        path.write_text(tomli_w.dumps(tiny_table(**changes)))
        return path

    return write


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str


def command(module: str, *arguments: object, cwd: Path | None = None) -> Finished:
    """Run ``python -m module`` in a process of its own."""
    line = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, cwd=cwd)
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def run_command() -> Callable[..., Finished]:
    return command


@dataclass(frozen=True)
class Simulated:
    """A finished ``python -m fedasr.simulate --json``."""

    folder: Path
    finished: Finished

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.finished.out)
        return found

    @property
    def digests(self) -> dict[str, str]:
        return {row["name"]: row["model_sha256"] for row in self.summary["rows"]}


LONGER: dict[str, Any] = {
    "name": "longer",
    "training": {"rounds": 8},
    "central": {"epochs": 8},
    "compare": [
        *TINY["compare"],
        {"name": "centralised", "strategy": "centralised", "options": {"evaluate_every": 4}},
        {"name": "adam", "strategy": "flwr.serverapp.strategy:FedAdam", "options": {"eta": 0.01}},
        {"name": "local-only", "strategy": "local-only", "options": {"steps": 2}},
    ],
}
"""Every kind of strategy, client sampling on, long enough to be killed on the way."""


@pytest.fixture(scope="session")
def longer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("longer") / "longer.toml"
    path.write_text(tomli_w.dumps(tiny_table(**LONGER)))
    return path


@pytest.fixture(scope="session")
def simulated(
    tmp_path_factory: pytest.TempPathFactory, longer_file: Path, _surroundings: None
) -> Callable[..., Simulated]:
    """Run the longer experiment through the command line, once for each choice of options."""
    known: dict[tuple[str, ...], Simulated] = {}

    def run(*options: str) -> Simulated:
        if options not in known:
            folder = tmp_path_factory.mktemp("runs") / "run"
            finished = command("fedasr.simulate", longer_file, "--out", folder, "--json", *options)
            assert finished.code == 0, finished.err
            known[options] = Simulated(folder, finished)
        return known[options]

    return run


Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Refused:
    """Call a command in an empty folder, expect a refusal and return its line."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)

    def call(*arguments: object, app: Any = simulate) -> str:
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(SystemExit) as exit_:
            app([str(argument) for argument in arguments])
        found = capfd.readouterr()
        assert exit_.value.code == 2
        assert found.out == ""
        assert found.err.count("\n") == 1, found.err
        assert found.err.startswith("error: ")
        assert sorted(tmp_path.rglob("*")) == before
        return found.err.removeprefix("error: ").strip()

    return call
