"""A row of anybody's strategy that is stopped and resumed ends as if it had not been, or begins anew and says so."""

import logging
from pathlib import Path
from typing import Any

import pytest
from support.unequal import run_unequal, stopped, write_corpus

from fedasr.server import saved_round

HERE = "support.remembering:"
DP = "flwr.serverapp.strategy:DifferentialPrivacyServerSideFixedClipping"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


def interrupted(corpus: Path, tmp_path: Path, row: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the lines of a whole run and of one that was stopped after its first round was saved."""
    row = {"name": "row", **row}
    (whole,) = run_unequal(corpus, tmp_path / "whole", row)
    with stopped(1, is_saved=True):
        run_unequal(corpus, tmp_path / "cut", row)
    (resumed,) = run_unequal(corpus, tmp_path / "cut", row)
    assert whole["status"] == resumed["status"] == "finished", (whole["failure"], resumed["failure"])
    return whole, resumed


@pytest.mark.parametrize("row", [
    {"strategy": HERE + "Remembering"},
    {"strategy": DP, "options": {"noise_multiplier": 0.1, "clipping_norm": 1.0, "num_sampled_clients": 4}},
], ids=["remembering", "wrapper"])  # fmt: skip
def test_all_that_it_remembers_is_restored(
    row: dict[str, Any], corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, restore = [], saved_round.restore
    monkeypatch.setattr(saved_round, "restore", lambda *given: found.append(1) or restore(*given))
    whole, resumed = interrupted(corpus, tmp_path, row)
    assert resumed["model_sha256"] == whole["model_sha256"]
    assert found == [1], "it began anew"
    assert whole["note"] == resumed["note"]


@pytest.mark.parametrize(("name", "says"), [("Unsavable", "lock"), ("Changing", "lambda")])
def test_what_cannot_be_saved_or_restored_begins_anew_with_a_visible_line(
    name: str, says: str, corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "fedasr"):
        whole, resumed = interrupted(corpus, tmp_path, {"strategy": HERE + name})
    assert resumed["model_sha256"] == whole["model_sha256"]
    assert resumed["uplink_bytes"] == whole["uplink_bytes"]
    assert "begun anew" not in (whole["note"] or "")
    assert "begun anew" in resumed["note"]
    assert says in resumed["note"]
    lines = [record.getMessage() for record in caplog.records]
    assert [line for line in lines if "begins anew:" in line and says in line and "row" in line]
