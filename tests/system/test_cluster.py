"""A second Ray node in a network namespace of its own: a genuine cluster of two on one machine."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest
import ray
import yaml

from fedasr.grid.ray.shipping import pieces, unpack

ROOT = Path(__file__).parents[2]
EXPERIMENT = """
name = "cluster"
seed = 5
model = { encoder = "lstm", layers = 1, units = 16, start = "scratch" }
training = { rounds = 1, local_steps = 1, batch_size = 4 }
[corpus]
kind = "synthetic"
speakers = 6
utterances_per_speaker = 4
public_speakers = 1
development_speakers = 0
test_speakers = 1
[[compare]]
name = "fedavg"
strategy = "fedavg"
"""


@dataclass(frozen=True)
class Namespace:
    """A network namespace, joined to this one by a cable."""

    name: str
    here: str
    there: str


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    if shutil.which("ip") is None:
        pytest.skip("a second machine is made by iproute2's `ip`, which is not installed")
    number = os.getpid() % 200 + 20
    made = Namespace(f"fedasr-{os.getpid()}", f"10.{number}.77.1", f"10.{number}.77.2")
    near, far = f"fa{os.getpid()}", f"fb{os.getpid()}"
    try:
        _ip("netns", "add", made.name)
        _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", made.name)
        _ip("addr", "add", f"{made.here}/24", "dev", near)
        _ip("link", "set", near, "up")
        for device, address in (("lo", None), (far, f"{made.there}/24")):
            if address:
                _ip("-n", made.name, "addr", "add", address, "dev", device)
            _ip("-n", made.name, "link", "set", device, "up")
        _probe_mount(made)
    except subprocess.CalledProcessError as error:
        _remove(made, near)
        pytest.skip(f"network namespaces are not permitted here: {error.stderr.strip()}")
    yield made
    _remove(made, near)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def _probe_mount(namespace: Namespace) -> None:
    command = ["ip", "netns", "exec", namespace.name, "mount", "--bind", "/tmp", "/tmp"]
    subprocess.run(command, check=True, capture_output=True, text=True)


def _remove(namespace: Namespace, device: str) -> None:
    subprocess.run(["ip", "link", "del", device], capture_output=True)
    subprocess.run(["ip", "netns", "del", namespace.name], capture_output=True)


@contextmanager
def ray_node(command: list[str], log: Path) -> Iterator[None]:
    """Run ``ray start --block`` until the block ends; its whole process group goes with it."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, env=_environment()
        )
    try:
        _wait_for("Ray runtime started", process, log)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(text: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while text not in log.read_text():
        assert process.poll() is None, f"ray start ended:\n{log.read_text()}"
        assert time.monotonic() < deadline, f"ray start hangs:\n{log.read_text()}"
        time.sleep(0.2)


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(ROOT)}


def _simulate(folder: Path, out: str, *options: str) -> dict[str, str]:
    command = [sys.executable, "-m", "fedasr.simulate", str(folder / "cluster.toml"), "--out", str(folder / out)]
    done = subprocess.run(
        [*command, "--json", *options], capture_output=True, text=True, timeout=300, env=_environment(), cwd=folder
    )
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    return row


def _refused(folder: Path, *options: str) -> str:
    """Return the line by which a command is refused that leaves nothing behind."""
    command = [sys.executable, "-m", "fedasr.simulate", str(folder / "cluster.toml"), "--out", str(folder / "refused")]
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=300, env=_environment(), cwd=folder
    )
    assert done.returncode == 2, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert "Traceback" not in done.stderr
    assert not (folder / "refused").exists()
    return line


def _edited_sources(folder: Path) -> Path:
    """Return a folder with a copy of fedasr in which every gradient may be another."""
    shutil.copytree(ROOT / "fedasr", folder / "fedasr", ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "fedasr" / "training" / "gradients.py").open("a") as module:
        module.write("# edited\n")
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def near_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The head's cache. The second node has another folder in its place."""
    monkeypatch.setenv("FEDASR_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cluster.toml").write_text(EXPERIMENT)
    return tmp_path / "cache"


def _start(*options: str) -> list[str]:
    ray = str(Path(sys.executable).parent / "ray")
    return [ray, "start", "--block", "--num-cpus=1", "--object-store-memory=100000000", *options]


@pytest.fixture
def ray_folder() -> Iterator[Path]:
    """A folder of Ray's own, so that others do not take this cluster for theirs; sockets need a short path."""
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as folder:
        yield Path(folder)


def test_two_machines_give_the_bits_of_one(
    namespace: Namespace, near_cache: Path, ray_folder: Path, tmp_path: Path
) -> None:
    address = f"{namespace.here}:{_free_port()}"
    far_cache = tmp_path / "far"
    far_cache.mkdir()
    head = _start(
        "--head", f"--temp-dir={ray_folder}", f"--node-ip-address={namespace.here}", f"--port={address.split(':')[1]}",
        "--include-dashboard=false", f"--ray-client-server-port={_free_port()}",
    )  # fmt: skip
    join = _start(f"--address={address}", f"--node-ip-address={namespace.there}")
    # The namespace has mounts of its own: to the second node, its folder is the cache.
    mounted = ["sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"', str(far_cache), str(near_cache)]
    second = ["ip", "netns", "exec", namespace.name, *mounted]
    expected = _simulate(tmp_path, "alone", "--grid", "process")
    edited = _edited_sources(tmp_path / "edited")
    with ray_node(head, tmp_path / "head.log"):
        with ray_node([*second, *join], tmp_path / "second.log"):
            row = _simulate(tmp_path, "together", "--address", address, "--workers", "2")
        with ray_node([*second, "env", f"PYTHONPATH={edited}", *join], tmp_path / "edited.log"):
            told = _refused(tmp_path, "--address", address, "--workers", "2")
    assert told.startswith(f"error: machine {namespace.there} (")
    assert "has sources" in told
    environment = json.loads((tmp_path / "together" / "environment.json").read_text())
    assert (environment["workers"], environment["machines"]) == (2, 2)
    machines = environment["versions_by_machine"]
    assert set(machines) == {namespace.here, namespace.there}
    assert {machine["sources"] for machine in machines.values()} == {environment["sources"]}
    assert row["model_sha256"] == expected["model_sha256"]
    (prepared,) = (near_cache / "features").iterdir()
    (received,) = (far_cache / "features").iterdir()
    _assert_same(prepared, received)


def test_an_address_where_nothing_listens_is_one_line(near_cache: Path, tmp_path: Path) -> None:
    address = f"127.0.0.1:{_free_port()}"
    assert address in _refused(tmp_path, "--address", address)


def _assert_same(one: Path, other: Path) -> None:
    names, others = (sorted(str(p.relative_to(of)) for p in of.rglob("*") if p.is_file()) for of in (one, other))
    assert names == others
    match, mismatch, errors = filecmp.cmpfiles(one, other, names, shallow=False)
    assert (match, mismatch, errors) == (names, [], [])


def _folder(path: Path) -> Path:
    path.mkdir()
    (path / "features.bin").write_bytes(bytes(range(256)) * 10)
    (path / "index.jsonl").write_text("{}\n")
    (path / "empty").touch()
    return path


@pytest.mark.parametrize("piece_bytes", [1, 7, 2560, 1 << 20])
def test_a_folder_arrives_byte_for_byte(tmp_path: Path, piece_bytes: int) -> None:
    sent = _folder(tmp_path / "sent")
    unpack(tmp_path / "there" / "received", pieces(sent, piece_bytes))
    _assert_same(sent, tmp_path / "there" / "received")
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["received"]


def test_a_folder_that_breaks_off_does_not_appear(tmp_path: Path) -> None:
    def broken() -> Iterator[object]:
        yield next(pieces(_folder(tmp_path / "sent")))
        raise ConnectionError

    with pytest.raises(ConnectionError):
        unpack(tmp_path / "there" / "received", broken())  # type: ignore[arg-type]
    assert list((tmp_path / "there").iterdir()) == []


def test_a_folder_that_is_there_already_stays(tmp_path: Path) -> None:
    received = tmp_path / "received"
    received.mkdir()
    (received / "features.bin").write_bytes(b"the faster process")
    unpack(received, pieces(_folder(tmp_path / "sent")))
    assert (received / "features.bin").read_bytes() == b"the faster process"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["received", "sent"]


def test_the_launcher_file_is_one_that_ray_accepts_and_installs_the_project() -> None:
    launcher = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())
    jsonschema.validate(launcher, schema)
    ((folder, source),) = launcher["file_mounts"].items()
    assert source == "."
    assert any(f"cd {folder} && " in c and "pip install -e" in c for c in launcher["setup_commands"])
    for key in ("head_start_ray_commands", "worker_start_ray_commands"):
        assert any("ray start" in command for command in launcher[key])
