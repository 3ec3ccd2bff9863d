"""``flwr run`` in Flower's own engine: the same ClientApp and ServerApp, the same model."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from flwr.app import Context, Message, RecordDict

from fedasr.common.errors import UserError
from fedasr.experiment.experiment import Experiment
from fedasr.flower_app import client, experiment_of
from fedasr.grid.flower.flower_grid import SILO_RECORD
from fedasr.grid.flower.identity import identify
from fedasr.messages.kinds import SILO_NUMBER

ROOT = Path(__file__).parents[2]
CONFIG = {
    "experiment": "quickstart", "row": "fedavg", "data": "", "settings": "", "seed": -1, "out": "", "wait-seconds": 120,
}  # fmt: skip


def _config(**changes: Any) -> dict[str, Any]:
    return {**CONFIG, **changes}


def test_the_default_is_a_row_of_the_quickstart() -> None:
    whole = Experiment.load("quickstart")
    row = next(row for row in whole.compare if row.name == "fedavg")
    assert experiment_of(_config()) == whole.only(compare=(row,))


def test_settings_seed_and_any_strategy_override() -> None:
    config = _config(
        settings="training.local_steps=3; model.encoder=lstm;", seed=9, row="flwr.serverapp.strategy:FedAdam"
    )
    experiment = experiment_of(config)
    assert (experiment.training.local_steps, experiment.model.encoder, experiment.seed) == (3, "lstm", 9)
    assert [row.strategy for row in experiment.compare] == ["flwr.serverapp.strategy:FedAdam"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"row": ""}, "name one with row="),
        ({"settings": "seeds=[1,2]"}, "has 2 rows"),
        ({"row": "fedavgg"}, "did you mean 'fedavg'"),
        ({"settings": "training.round=3"}, "did you mean 'rounds'"),
        ({"experiment": "quickstar"}, "did you mean 'quickstart'"),
    ],
)
def test_a_wrong_run_configuration_is_one_line(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)) as caught:
        experiment_of(_config(**changes))
    assert "\n" not in str(caught.value)


def _ask(kind: str, node_config: dict[str, Any], run_config: dict[str, Any]) -> Message:
    identify()
    context = Context(0, 5, node_config, RecordDict(), run_config)
    return client(Message(RecordDict(), 5, kind), context)


def test_a_node_says_which_silo_it_is_without_preparing_anything() -> None:
    reply = _ask(SILO_NUMBER.name, {"partition-id": 4}, {})
    assert reply.content.config_records[SILO_RECORD]["silo"] == 4


def test_a_node_without_a_partition_says_how_to_give_it_one() -> None:
    reply = _ask(SILO_NUMBER.name, {}, {})
    assert reply.error.reason.startswith("UserError: the node has no partition-id; start its SuperNode with")


def test_what_goes_wrong_in_a_node_is_one_line_of_its_reply() -> None:
    reply = _ask("train", {"partition-id": 0}, _config(experiment="quickstar"))
    assert reply.error.reason == "UserError: there is no experiment 'quickstar'; did you mean 'quickstart'?"


@pytest.fixture
def flower_home(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment for ``flwr``; its SuperLink, which stays running, is stopped at the end."""
    pytest.importorskip("flwr.simulation.ray_transport", reason="Flower's simulation engine is not installed")
    home = tmp_path / "flwr"
    home.mkdir()
    (home / "config.toml").write_text('[superlink.local-simulation]\naddress = ":local:"\n')
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    yield {
        **os.environ, "FLWR_HOME": str(home), "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "FLWR_DISABLE_UPDATE_CHECK": "1", "FLWR_TELEMETRY_ENABLED": "0", "PATH": path, "RAY_ADDRESS": "local",
        "FLWR_LOCAL_SUPERLINK_HTTP_API_PORT": str(_free_port()), "FLWR_LOCAL_CONTROL_API_PORT": str(_free_port()),
    }  # fmt: skip
    _stop_all_of(str(home))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _stop_all_of(home: str) -> None:
    """Stop every process that was started with this FLWR_HOME, and no other."""
    ours = [process for process in psutil.process_iter() if _flower_home(process) == home]
    for process in ours:
        process.terminate()
    for process in psutil.wait_procs(ours, timeout=5)[1]:
        process.kill()


def _flower_home(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("FLWR_HOME")
    except (psutil.Error, OSError):
        return None


def test_flwr_run_gives_the_model_of_a_simulation(
    flower_home: dict[str, str], write_toml: Callable[..., Path], run_command: Callable[..., Any], tmp_path: Path
) -> None:
    file = write_toml()
    config = f"experiment='{file}' settings='corpus.development_speakers=0' out='{tmp_path / 'flower'}'"
    federation = "num-supernodes=5 client-resources-num-cpus=1"
    line = ["flwr", "run", ".", "local-simulation", "--stream", "--federation-config", federation]
    done = subprocess.run(
        [*line, "--run-config", config], cwd=ROOT, env=flower_home, capture_output=True, text=True, timeout=240
    )
    rows = json.loads((tmp_path / "flower" / "summary.json").read_text())["rows"]
    assert rows[0]["status"] == "finished", done.stdout + done.stderr
    assert (tmp_path / "flower" / "report.html").exists()
    options = ["--strategy", "fedavg", "--set", "corpus.development_speakers=0", "--grid", "process"]
    simulated = run_command("fedasr.simulate", file, *options, "--json", "--out", tmp_path / "simulated")
    expected = json.loads(simulated.out)["rows"]
    same = ("model_sha256", "uplink_bytes", "downlink_bytes", "silos", "rounds", "refused_replies", "wer")
    assert {key: rows[0][key] for key in same} == {key: expected[0][key] for key in same}
