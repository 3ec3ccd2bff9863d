"""Commands as a user runs them, and the tiny experiments that they run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TINY: dict[str, Any] = {
    "name": "tiny",
    "seed": 5,
    "corpus": {
        "kind": "synthetic", "grammar": "digits", "speakers": 9, "utterances_per_speaker": 3,
        "public_speakers": 2, "development_speakers": 1, "test_speakers": 2, "held_out": 0,
    },
    "model": {"encoder": "bilstm", "layers": 1, "units": 16, "mels": 16, "dropout": 0.1},
    "start": {"epochs": 1, "batch_size": 4},
    "central": {"epochs": 2, "batch_size": 4},
    "training": {"rounds": 2, "local_steps": 1, "batch_size": 2, "silos_per_round": 3, "learning_rate": 0.05},
    "compare": [
        {"name": "public-only", "strategy": "public-only"},
        {"name": "fedavg", "strategy": "fedavgm", "options": {"momentum": 0.5, "nesterov": True}},
    ],
}  # fmt: skip
"""Synthetic digits, four silos, one layer of 16 units, two rounds."""


def tiny_table(**changes: Any) -> dict[str, Any]:
    """Return the tiny experiment's table; a change of a table is merged into it, ``None`` takes a key away."""
    table = json.loads(json.dumps(TINY))
    for key, value in changes.items():
        merged = {**table.get(key, {}), **value} if isinstance(value, dict) else value
        table[key] = {k: v for k, v in merged.items() if v is not None} if isinstance(merged, dict) else merged
    return table


Refused = Callable[..., str]
"""Calls a command that is to be refused and returns its line."""


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str


def command(module: str, *arguments: object, cwd: Path | None = None) -> Finished:
    """Run ``python -m module`` in a process of its own."""
    line = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=850, cwd=cwd)
    return Finished(done.returncode, done.stdout, done.stderr)


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
    "corpus": {"held_out": 0.34},
    "training": {"rounds": 8},
    "central": {"epochs": 8},
    "compare": [
        *TINY["compare"],
        {"name": "centralised", "strategy": "centralised", "options": {"evaluate_every": 4}},
        {
            "name": "adam", "strategy": "flwr.serverapp.strategy:FedAdam",
            "options": {"eta": 0.01, "fraction_evaluate": 0.7},
        },
        {"name": "local-only", "strategy": "local-only", "options": {"steps": 2}},
        {"name": "gtc", "strategy": "gtc", "options": {"density": 0.02}, "training": {"momentum": 0.5}},
        {
            "name": "bmuf", "strategy": "bmuf", "options": {"local_optimizer": "keep", "block_momentum": 0.5},
            "training": {"optimizer": "adamw", "learning_rate": 1e-3, "least_replies": 0.0},
            "codec": "top-k", "codec_options": {"density": 0.1}, "network": "phones-4g",
        },
    ],
}  # fmt: skip
"""Every kind of strategy and of silo state, client sampling on, long enough to be killed on the way."""
