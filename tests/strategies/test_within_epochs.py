"""A run at the centre that is stopped within an epoch goes on from there: the same bits, and the same is reported."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.unequal import StoppedError, run_unequal

from fedasr.server.central import Central

TOLD = ("model_sha256", "uplink_bytes", "downlink_bytes", "rounds", "wer", "utterances", "public_utterances")
ROWS = {
    "centralised": {"name": "row", "strategy": "centralised", "options": {"epochs": 2}},
    "public-only": {"name": "row", "strategy": "public-only", "options": {"epochs": 2}},
}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("stop", [1, 4])
def test_a_row_goes_on_within_an_epoch(
    name: str, stop: int, unequal_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def go(folder: Path) -> dict[str, Any]:
        (row,) = run_unequal(unequal_corpus, folder, ROWS[name], central={"batch_size": 2})
        return row

    whole = go(tmp_path / "whole")
    monkeypatch.setattr("fedasr.student.trainer.WITHIN_SECONDS", 0.0)
    kept, within = list[int](), Central.within

    def stopped(self: Central, round: int, state: Callable[[], Any]) -> None:
        self._clock["saved"] = 0.0
        within(self, round, state)
        kept.append(round)
        if len(kept) == stop:
            raise StoppedError

    monkeypatch.setattr(Central, "within", stopped)
    with pytest.raises(StoppedError):
        go(tmp_path / "run")
    steps = list[int]()
    monkeypatch.setattr(Central, "within", lambda self, round, state: steps.append(round))
    again = go(tmp_path / "run")
    assert len(steps) + len(kept) == 2 * _steps_an_epoch(steps, kept), "no step is taken twice"
    assert {key: again.get(key) for key in TOLD} == {key: whole.get(key) for key in TOLD}
    lines = [_lines(tmp_path / place / "row" / "metrics.jsonl") for place in ("run", "whole")]
    assert lines[0] == lines[1]


def _steps_an_epoch(steps: list[int], kept: list[int]) -> int:
    return (kept + steps).count(0)


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return what is reported of each round but its times."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [{key: value for key, value in line.items() if "seconds" not in key} for line in found]
