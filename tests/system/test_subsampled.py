"""Convolutional subsampling in whole runs, from the command line: trained, scored, evaluated and transcribed with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.running import Finished

MODEL: dict[str, Any] = {"encoder": "conformer", "heads": 2, "kernel": 3, "subsampling": "convolutional"}
DECODING = {"method": "lexicon", "beam": 4}
ROWS: list[dict[str, Any]] = [
    {"name": "fedavg", "strategy": "fedavg"},
    {"name": "centralised", "strategy": "centralised"},
    {"name": "dp-sgd", "strategy": "fedavg", "protection": "dp-sgd", "protection_options": {"batch_size": 2}},
]


@pytest.mark.parametrize(
    "head", [{"head": "ctc"}, {"head": "transducer", "predictor_units": 8}], ids=lambda head: head["head"]
)
def test_a_convolutional_conformer_goes_through_a_whole_run(
    head: dict[str, Any], write_toml: Callable[..., Path], run_command: Callable[..., Finished], tmp_path: Path
) -> None:
    path = write_toml(model={**MODEL, **head}, training={"rounds": 1}, compare=ROWS, decoding=DECODING)
    finished = run_command("fedasr.simulate", path, "--out", tmp_path / "run", "--json", "--grid", "process")
    assert finished.code == 0, finished.err
    rows = {row["name"]: row for row in json.loads(finished.out)["rows"]}
    assert rows.keys() == {row["name"] for row in ROWS}
    assert all(row["wer"] is not None for row in rows.values())
    assert rows["dp-sgd"]["epsilon"] is not None
    evaluated = run_command("fedasr.evaluate", tmp_path / "run" / "fedavg", "--json")
    assert evaluated.code == 0, evaluated.err
    assert json.loads(evaluated.out)["wer"] == rows["fedavg"]["wer"]
