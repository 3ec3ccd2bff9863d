"""One gradient that is no number costs its silo one round, whatever the silo keeps from round to round."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.unequal import run_unequal, write_corpus

from fedasr.protection.step import Step
from fedasr.silo.silo import Silo

ROUNDS, BAD_ROUND, BAD_SILO = 4, 2, 1
MODULES = ("fedasr.silo.train", "fedasr.silo.gradient", "fedasr.silo.work")
ROWS = [
    {"name": "momentum", "strategy": "sync-sgd", "training": {"momentum": 0.5}},
    {"name": "gtc", "strategy": "gtc", "options": {"density": 0.02}, "training": {"momentum": 0.5}},
    {"name": "kept", "strategy": "bmuf", "options": {"local_optimizer": "keep", "block_momentum": 0.5}, "codec": "int8",
     "training": {"optimizer": "adamw", "learning_rate": 1e-3}},
    {"name": "clipped", "strategy": "fedavg", "codec": "top-k", "codec_options": {"density": 0.1},
     "protection": "clipping", "protection_options": {"granularity": "silo", "clip_norm": 0.01}},
]  # fmt: skip


def _poisoned(gradients: Callable[..., Iterator[Step]]) -> Callable[..., Iterator[Step]]:
    def found(host: Any, silo: Silo, round: int, *others: Any, **more: Any) -> Iterator[Step]:
        for step in gradients(host, silo, round, *others, **more):
            if (silo.number, round) == (BAD_SILO, BAD_ROUND):
                step.gradient[0].fill_(float("nan"))
            yield step

    return found


def test_the_silo_is_heard_again_in_the_next_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MODULES:
        module = importlib.import_module(name) if importlib.util.find_spec(name) else None
        if hasattr(module, "gradients"):
            monkeypatch.setattr(module, "gradients", _poisoned(module.gradients))  # type: ignore[union-attr]
    (tmp_path / "speech").mkdir()
    run_unequal(write_corpus(tmp_path / "speech"), tmp_path / "run", *ROWS, training={"rounds": ROUNDS})
    for row in ROWS:
        lines = (tmp_path / "run" / str(row["name"]) / "metrics.jsonl").read_text().splitlines()
        refused = {line["round"]: line["refused"] for line in map(json.loads, lines) if line["round"]}
        assert refused == {round: [BAD_SILO] if round == BAD_ROUND else [] for round in range(1, ROUNDS + 1)}, row[
            "name"
        ]
