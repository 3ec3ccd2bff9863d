"""What all tests share: a cache of their own, a tiny experiment, and commands as a user runs them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import torch
from support.draws import draw
from support.made_up_runs import make_exchange_run, make_failed_row, make_row, make_run  # noqa: F401 (fixtures)
from support.running import LONGER, Finished, Refused, Simulated, command, tiny_table
from support.unequal import unequal_table, write_corpus

from fedasr.asr.heads.rnnt_loss import loss_missing
from fedasr.common.console import details
from fedasr.common.errors import UserError
from fedasr.engine.preparation import Prepared, prepare_experiment
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.simulate import app as simulate


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-golden", action="store_true", help="write down the weights of the golden experiment")
    parser.addoption("--many", type=int, metavar="TIMES", help="random examples, TIMES as many as in a usual run")


def pytest_configure(config: pytest.Config) -> None:
    draw(config.getoption("--many"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Skip what trains a transducer where there is no torchaudio."""
    try:
        return (yield)
    except UserError as error:
        if loss_missing() and "needs torchaudio" in str(error):
            pytest.skip("a transducer is trained, and there is no torchaudio")
        raise


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
    details.handlers.clear()
    own.propagate = True


@pytest.fixture(scope="session")
def speech_data() -> Callable[[str], Path]:
    """Return the folder of a real corpus (an4, fsdd or speech_commands); without it a test is skipped."""
    checkout = Path(__file__).resolve().parents[1]
    data = Path(os.environ.get("FEDASR_DATA") or checkout.parent / "shared" / "data")

    def folder(corpus: str) -> Path:
        if not (data / corpus / "manifest.jsonl").is_file():
            pytest.skip(f"no {corpus}/manifest.jsonl in {data}; set FEDASR_DATA to the folder that holds {corpus}")
        return data / corpus

    return folder


@pytest.fixture
def tiny() -> Experiment:
    return Experiment.from_table(tiny_table())


@pytest.fixture(scope="session")
def prepared(_surroundings: None) -> Prepared:
    """Return the tiny experiment with its speech."""
    return prepare_experiment(Experiment.from_table(tiny_table()), 1, Watcher())


@pytest.fixture(scope="session")
def unequal_corpus(tmp_path_factory: pytest.TempPathFactory, _surroundings: None) -> Path:
    """Write speech of which silos hold 5, 2, 9 and 9 utterances."""
    return write_corpus(tmp_path_factory.mktemp("unequal"))


@pytest.fixture(scope="session")
def unequal(unequal_corpus: Path) -> Prepared:
    """Return an experiment with silos of unlike size and two local steps, prepared."""
    return prepare_experiment(Experiment.from_table(unequal_table(unequal_corpus)), 1, Watcher())


@pytest.fixture
def write_toml(tmp_path: Path) -> Callable[..., Path]:
    """Write the tiny experiment, changed, to a file."""

    def write(**changes: Any) -> Path:
        path = tmp_path / "experiment.toml"
        path.write_text(tomli_w.dumps(tiny_table(**changes)))
        return path

    return write


@pytest.fixture(scope="session")
def run_command() -> Callable[..., Finished]:
    return command


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
