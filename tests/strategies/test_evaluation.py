"""The development speakers are scored as often as a row says, and at its end whatever it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.unequal import run_unequal

from fedasr.common.files import read_lines

ROWS: list[tuple[dict[str, Any], set[int]]] = [
    ({"strategy": "fedavg", "training": {"evaluate_every": 2}}, {0, 2, 4, 5}),
    ({"strategy": "centralised", "options": {"evaluate_every": 2}}, {2, 4, 5}),
    (
        {"strategy": "pate", "options": {
            "evaluate_every": 2, "epsilon": 1e4, "noise": 1.0, "teacher_steps": 1, "maximum_labels": 1, "utterances": 1,
        }},
        {2 + 2, 2 + 4, 2 + 5},
    ),
]  # fmt: skip
"""Rows of five rounds or epochs, and when they are scored."""


@pytest.mark.parametrize(("row", "scored"), ROWS)
def test_a_row_is_scored_every_so_often_and_at_its_end(
    row: dict[str, Any], scored: set[int], unequal_corpus: Path, tmp_path: Path
) -> None:
    row = {**row, "name": "row", "training": {"rounds": 5, "local_steps": 1, **row.get("training", {})}}
    (found,) = run_unequal(unequal_corpus, tmp_path / "run", row, central={"epochs": 5, "batch_size": 4})
    assert found["status"] == "finished", found["failure"]
    lines = read_lines(tmp_path / "run" / "row" / "metrics.jsonl")
    assert {line["round"] for line in lines if line["development_wer"] is not None} == scored
