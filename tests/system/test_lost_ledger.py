"""A checkpoint goes with its ledger: a row resumed without the charges behind its model is refused, in one line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.running import command, tiny_table

import fedasr
from fedasr.common.errors import UserError
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.server.progress import Progress

ROWS: dict[str, dict[str, Any]] = {
    "dp-fedavg": {"strategy": "dp-fedavg", "options": {"epsilon": 8.0}},
    "silo-noise": {"strategy": "fedavg", "protection": "silo-noise", "protection_options": {"epsilon": 8.0}},
    "in-silos": {
        "strategy": "fedavg", "protection": "dp-sgd", "protection_options": {"epsilon": 8.0, "batch_size": 1},
    },
    "at-centre": {
        "strategy": "centralised", "protection": "dp-sgd",
        "protection_options": {"epsilon": 8.0, "batch_size": 2, "steps": 8},
    },
    "pate": {"strategy": "pate", "options": {"teacher_steps": 1, "utterances": 3}},
}  # fmt: skip
TABLE = tiny_table(
    training={"rounds": 4, "silos_per_round": 0}, central={"epochs": 4}, corpus={"unlabelled_speakers": 1}
)


class Stopping(Watcher):
    """Stops the run after its third report under a checkpoint."""

    def round(self, progress: Progress) -> None:
        if progress.round == 4:
            raise KeyboardInterrupt


def _experiment(row: str) -> Experiment:
    return Experiment.from_table({**TABLE, "compare": [{"name": row, **ROWS[row]}]})


def _gone(releases: Path) -> None:
    shutil.rmtree(releases)


def _short(releases: Path) -> None:
    ledger = releases / "ledger.jsonl"
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[:2]))


def _other(releases: Path) -> None:
    ledger = releases / "ledger.jsonl"
    ledger.write_text(ledger.read_text().replace('"count": ', '"count":  ', 1))


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_not_resumed_without_its_charges(row: str, tmp_path: Path) -> None:
    whole, experiment = tmp_path / "whole", _experiment(row)
    with pytest.raises(KeyboardInterrupt):
        fedasr.run(experiment, out=whole, grid="process", watcher=Stopping())
    assert (whole / row / "checkpoint" / "state.safetensors").exists()
    damages: dict[str, tuple[Callable[[Path], None], str]] = {
        "gone": (_gone, "holds 0 charges, and the checkpoint was saved after"),
        "other": (_other, "not the ledger that the checkpoint was saved with"),
    }
    for name, (damage, says) in damages.items():
        shutil.copytree(whole, tmp_path / name)
        damage(tmp_path / name / row / "releases")
        with pytest.raises(UserError, match=says) as refused:
            fedasr.run(experiment, resume=tmp_path / name, grid="process")
        assert len(refused.value.lines) == 1
    again = fedasr.run(experiment, resume=whole, grid="process").rows[0]
    assert (again["status"], again["failure"]) == ("finished", None)
    if row == "pate":  # its votes may cost less than planned
        assert again["epsilon"] is not None
    else:  # in silos the round that was cut off is charged beside the one that took its place
        assert again["epsilon"] >= 7.99


@pytest.mark.parametrize(("row", "damage"), [("dp-fedavg", _gone), ("in-silos", _short)])
def test_a_killed_run_is_resumed_at_its_whole_price_or_refused(
    row: str, damage: Callable[[Path], None], tmp_path: Path
) -> None:
    toml, out = tmp_path / "tiny.toml", tmp_path / "run"
    experiment = Experiment.from_table({**TABLE, "training": {**TABLE["training"], "rounds": 40}}).only(
        compare=_experiment(row).compare
    )
    toml.write_text(experiment.to_toml())
    line = [sys.executable, "-m", "fedasr.simulate", str(toml), "--out", str(out), "--grid", "process"]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    ledger, deadline = out / row / "releases" / "ledger.jsonl", time.monotonic() + 200
    while not ledger.exists() or ledger.read_text().count("\n") < 12:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    shutil.copytree(out, tmp_path / "damaged")
    damage(tmp_path / "damaged" / row / "releases")
    done = command("fedasr.simulate", "--resume", tmp_path / "damaged", "--grid", "process")
    assert done.code == 2
    assert "ledger.jsonl: " in done.err.splitlines()[-1]
    assert "Traceback" not in done.err
    done = command("fedasr.simulate", "--resume", out, "--grid", "process", "--json")
    assert done.code == 0
    assert json.loads(done.out)["rows"][0]["epsilon"] >= 7.99
