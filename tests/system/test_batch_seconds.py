"""Batches of so many seconds: each of the three settings concerns those who train by it, and nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.unequal import run_unequal

ROWS: list[dict[str, Any]] = [
    {"name": "public-only", "strategy": "public-only"},
    {"name": "centralised", "strategy": "centralised"},
    {"name": "fedavg", "strategy": "fedavg"},
]


def _weights(corpus: Path, folder: Path, **changes: Any) -> dict[str, str]:
    rows = run_unequal(corpus, folder, *ROWS, **changes)
    assert [row["failure"] for row in rows] == [None] * 3
    return {row["name"]: row["model_sha256"] for row in rows}


@pytest.mark.parametrize(
    ("table", "usual", "trained"),
    [
        ("start", 16, {"public-only", "centralised", "fedavg"}), ("central", 16, {"centralised"}),
        ("training", 8, {"fedavg"}),
    ],
)  # fmt: skip
def test_it_changes_the_batches_of_those_who_train_by_it(
    table: str, usual: int, trained: set[str], unequal_corpus: Path, tmp_path: Path
) -> None:
    before = _weights(unequal_corpus, tmp_path / "before", **{table: {"batch_size": usual}})
    after = _weights(unequal_corpus, tmp_path / "after", **{table: {"batch_seconds": 7.0, "batch_size": usual}})
    assert {name for name in before if before[name] != after[name]} == trained
