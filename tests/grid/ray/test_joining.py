"""Which Ray is joined, and what of one that is somebody else's is left as it was."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import ray

from fedasr.common.errors import UserError
from fedasr.grid.ray import joining
from fedasr.grid.ray.joining import asked_for, check_place
from fedasr.grid.ray.pool import RayWorkers


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_ADDRESS", "RAY_JOB_CONFIG_JSON_ENV_VAR", "RAY_TMPDIR", "TMPDIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look as if this process were in no Ray: the pool of all tests may run."""
    monkeypatch.setattr(ray, "is_initialized", lambda: False)


@pytest.mark.usefixtures("no_ray")
@pytest.mark.parametrize("name", ["TMPDIR", "RAY_TMPDIR"])
def test_a_folder_too_long_for_a_socket_is_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(tmp_path / ("x" * 60))
    monkeypatch.setenv("TMPDIR", "/a" if name == "RAY_TMPDIR" else folder)
    monkeypatch.setenv(name, folder)
    with pytest.raises(UserError) as refused:
        check_place(None)
    (line,) = refused.value.lines
    assert line.startswith(f"{name}={folder}: too long by")
    assert "set RAY_TMPDIR to a shorter folder" in line


@pytest.mark.usefixtures("no_ray")
def test_the_short_one_of_the_two_folders_is_the_one_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/" + "x" * 100)
    monkeypatch.setenv("RAY_TMPDIR", "/tmp")
    check_place(None)


@pytest.mark.usefixtures("no_ray")
@pytest.mark.parametrize(("spare", "fits"), [(0, True), (1, False)])
def test_a_path_may_be_as_long_as_the_system_lets_it(spare: int, fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    below = len(joining.SOCKET.format(pid=os.getpid()))
    monkeypatch.setenv("TMPDIR", "/" + "x" * (joining.SOCKET_BYTES - below - 2 + spare))
    if fits:
        check_place(None)
    else:
        with pytest.raises(UserError, match="too long by 1 bytes"):
            check_place(None)


@pytest.mark.usefixtures("no_ray")
def test_a_ray_job_is_run_in_its_cluster_and_this_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert asked_for(None) is None
    assert caplog.messages == []
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    with caplog.at_level(logging.WARNING):
        assert asked_for(None) is None
        assert "RAY_ADDRESS=10.0.0.1:6379 is not used" in caplog.messages[0]
        monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
        assert asked_for(None) == "auto"
        assert "its cluster is joined" in caplog.messages[1]
    assert asked_for("10.0.0.2:6379") == "10.0.0.2:6379"


@pytest.mark.parametrize(
    ("error", "address", "line"),
    [
        (
            RuntimeError(
                "Version mismatch: The cluster was started with:\n    Ray: 2.54.0\n    Python: 3.10.1\n"
                "This process on node 10.0.0.2 was started with:\n    Ray: 2.55.1\n    Python: 3.11.7\n"
            ),
            "10.0.0.1:6379",
            "--address 10.0.0.1:6379: the cluster runs Ray 2.54.0 on Python 3.10.1, this command Ray 2.55.1 on Python "
            "3.11.7; install the same on all machines",
        ),
        (ConnectionError("no\n such thing"), "auto", "--address auto: no such thing; is a Ray running there?"),
        (OSError("odd"), None, f"Ray cannot be started here: odd; {joining.WITHOUT}"),
        (ValueError(), None, f"Ray cannot be started here: ValueError; {joining.WITHOUT}"),
    ],
)
def test_what_ray_refuses_is_one_line(error: Exception, address: str | None, line: str) -> None:
    assert joining._refusal(error, address) == line


def test_a_ray_without_a_free_processor_is_refused(pool: RayWorkers, monkeypatch: pytest.MonkeyPatch) -> None:
    pool.process_ids()
    _await_full(60.0)  # what Ray says of its processors lags behind the actors that it placed
    monkeypatch.setattr(joining, "FREE_SECONDS", 0.0)
    for address in (None, "auto", ray.get_runtime_context().gcs_address):
        with pytest.raises(UserError, match="no processor free for a worker; "):
            RayWorkers(1, address)
    with pytest.raises(UserError, match=r"--address 10.0.0.1:6379: this process is in the Ray at .* already"):
        RayWorkers(1, "10.0.0.1:6379")
    assert len(set(pool.process_ids())) == 3


def _await_full(seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while ray.available_resources().get("CPU", 0) and time.monotonic() < deadline:
        time.sleep(0.05)


NOTEBOOK = """
import json, sys
import ray, fedasr
from fedasr.experiment.experiment import Experiment
ray.init(address="local", num_cpus=2, include_dashboard=False, logging_level="ERROR")
@ray.remote(num_cpus=0)
class Theirs:
    def answer(self):
        return 42
theirs = Theirs.remote()
experiment = Experiment.load(sys.argv[1], {"training.rounds": 1, "model.start": "scratch"})
found = []
for number, workers in enumerate((3, 1)):
    result = fedasr.run(experiment.only(compare=experiment.compare[1:]), out=f"{sys.argv[2]}/{number}", workers=workers)
    environment = json.loads((result.folder / "environment.json").read_text())
    found.append([result.rows[0]["model_sha256"], environment["workers"], environment["machines"]])
print(json.dumps([found, ray.get(theirs.answer.remote())]))
"""


def test_the_ray_of_a_notebook_is_used_and_left_as_it_was(write_toml: object, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK, str(write_toml()), str(tmp_path)],  # type: ignore[operator]
        capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found, theirs = json.loads(done.stdout.splitlines()[-1])
    assert theirs == 42
    assert [line[1:] for line in found] == [[2, 1], [1, 1]]
    assert found[0][0] == found[1][0]
    assert "processors free for 2 of 3 workers" in done.stderr
