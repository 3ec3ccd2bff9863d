"""A SuperLink and its SuperNodes on the loopback, and ``flwr run`` on them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil

from fedasr.common.errors import RowError

APP = """
[project]
name = "conform"
version = "0.1.0"
description = "The app of fedasr"
license = "Apache-2.0"
[tool.flwr.app]
publisher = "fedasr"
[tool.flwr.app.components]
serverapp = "fedasr.flower_app:server"
clientapp = "fedasr.flower_app:client"
[tool.flwr.app.config]
experiment = ""
row = ""
data = ""
settings = ""
seed = -1
out = ""
wait-seconds = 120
"""
START_SECONDS = 60.0
"""How long a SuperLink may take to start."""


class SuperLink:
    """A SuperLink with a SuperNode for each folder of speech; all processes end with the block.

    Parameters
    ----------
    folder : Path
        Where Flower and the nodes keep their things; each node has a cache of its own.
    data : sequence of Path
        Each node's own speech.
    allow : str
        The kinds of messages that the nodes answer; empty for their defaults.
    """

    def __init__(self, folder: Path, data: Sequence[Path], allow: str = "") -> None:
        self._folder, self._data, self._allow = folder, data, allow
        self._stack = ExitStack()
        self._port = _free_port()

    def __enter__(self) -> SuperLink:
        app = self._folder / "app"
        app.mkdir(parents=True)
        (app / "pyproject.toml").write_text(APP, encoding="utf-8")
        address = f'address = "127.0.0.1:{self._port}"'
        (self._folder / "config.toml").write_text(f"[superlink.nodes]\n{address}\ninsecure = true\n", encoding="utf-8")
        with self._stack:
            server = ["--insecure", "--host", "127.0.0.1", "--port", str(self._port)]
            self._await(self._start("flower-superlink", *server))
            for number, place in enumerate(self._data):
                self._start_node(number, place)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, config: Mapping[str, Any], seconds: float) -> str:
        """Run the app of fedasr with a run configuration; return the last that it said.

        Raises
        ------
        RowError
            Where it takes longer.
        """
        values = " ".join(f"{key}='{value}'" for key, value in config.items())
        line = [_program("flwr"), "run", str(self._folder / "app"), "nodes", "--stream", "--run-config", values]
        try:
            done = subprocess.run(line, env=self._environment(), capture_output=True, text=True, timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise RowError(f"flwr run took more than {seconds:g} s; see {self._folder}") from error
        return " ".join((done.stdout + done.stderr).split())[-400:]

    def _start_node(self, number: int, data: Path) -> None:
        allow = f' allow="{self._allow}"' if self._allow else ""
        config = f'partition-id={number} data="{data}"{allow}'
        address = f"127.0.0.1:{self._port}"
        line = ["--insecure", "--superlink", address, "--port", str(_free_port()), "--node-config", config]
        self._start("flower-supernode", *line, cache=self._folder / f"cache-{number}")

    def _start(self, program: str, *options: str, cache: Path | None = None) -> subprocess.Popen[bytes]:
        log = self._stack.enter_context((self._folder / f"{program}-{options[-1][:14]}.log").open("wb"))
        environment = self._environment() | ({"FEDASR_CACHE": str(cache)} if cache else {})
        process = subprocess.Popen([_program(program), *options], env=environment, stdout=log, stderr=log)
        self._stack.callback(_end, process)
        return process

    def _await(self, server: subprocess.Popen[bytes]) -> None:
        """Wait until the SuperLink listens."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and server.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
                return
            time.sleep(0.2)
        raise RowError(f"the SuperLink does not listen after {START_SECONDS:g} s")

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        modules = os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH", "")]))
        return {
            **os.environ, "FLWR_HOME": str(self._folder), "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
            "FLWR_DISABLE_UPDATE_CHECK": "1", "FLWR_TELEMETRY_ENABLED": "0", "PATH": path, "PYTHONPATH": modules,
            "RAY_ADDRESS": "local", "OMP_NUM_THREADS": "1",
        }  # fmt: skip


def _program(name: str) -> str:
    """Return a command of Flower, of the same environment as this process where it is there."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise RowError(f"there is no command {name}; install flwr")
    return found


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process.pid)
        for each in [*parent.children(recursive=True), parent]:
            with suppress(psutil.NoSuchProcess):
                each.kill()
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
