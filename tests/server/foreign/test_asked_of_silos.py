"""What a strategy writes into its messages reaches the silos, or the row fails before any silo trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.unequal import run_unequal

from fedasr.common.files import read_lines

MINE, FLOWERS = "server.foreign.given:", "flwr.serverapp.strategy:"


def _run(corpus: Path, folder: Path, strategy: str, training: dict[str, Any] | None = None, **options: Any) -> Any:
    protection = {key: options.pop(key) for key in ("protection", "protection_options") if key in options}
    row = {"name": "x", "strategy": MINE * (":" not in strategy) + strategy, "options": options, **protection}
    training = {"rounds": 2, "local_steps": 1, **(training or {})}
    (found,) = run_unequal(corpus, folder, row, training=training)
    return found


def _losses(folder: Path) -> list[float]:
    return [line["train_loss"] for line in read_lines(folder / "x" / "metrics.jsonl")][1:]


def test_what_is_sent_is_what_the_row_would_have_said(unequal_corpus: Path, tmp_path: Path) -> None:
    said = {"lr": 0.02, "local-steps": 2, "batch_size": 3, "momentum": 0.5}
    row = {"learning_rate": 0.02, "local_steps": 2, "batch_size": 3, "momentum": 0.5}
    sent = _run(unequal_corpus, tmp_path / "sent", "Sends", says=said)
    assert sent["status"] == "finished", sent["failure"]
    plain = _run(unequal_corpus, tmp_path / "row", "Sends", row)
    assert sent["model_sha256"] == plain["model_sha256"]
    one = _run(unequal_corpus, tmp_path / "one", "Sends", says=said, to_all=False)
    assert one["model_sha256"] not in (sent["model_sha256"], plain["model_sha256"])


def test_epochs_that_are_sent_are_the_rows_epochs(unequal_corpus: Path, tmp_path: Path) -> None:
    sent = _run(unequal_corpus, tmp_path / "sent", "Sends", {"rounds": 1}, says={"epochs": 2})
    row = _run(unequal_corpus, tmp_path / "row", "Sends", {"rounds": 1, "local_steps": 2, "local_epochs": 2})
    assert sent["status"] == row["status"] == "finished"
    assert sent["model_sha256"] == row["model_sha256"]


@pytest.mark.parametrize("to_all", [True, False])
@pytest.mark.parametrize(
    ("says", "key"),
    [({"temperature": 2.0}, "temperature"), ({"lr": -0.1}, "lr"), ({"clipping_norm": 1.0}, "clipping_norm")],
)
def test_what_no_silo_heeds_fails_the_row_and_is_named(
    says: dict[str, Any], key: str, to_all: bool, unequal_corpus: Path, tmp_path: Path
) -> None:
    found = _run(unequal_corpus, tmp_path / "run", "Sends", says=says, to_all=to_all)
    assert found["status"] == "failed"
    assert f"'{key}'" in found["failure"]
    assert found["uplink_bytes"] in (0, None)  # no silo was asked


def test_under_a_guarantee_a_message_does_not_change_the_plan(unequal_corpus: Path, tmp_path: Path) -> None:
    private = {"protection": "dp-sgd", "protection_options": {"noise_multiplier": 1.0, "batch_size": 2}}
    found = _run(unequal_corpus, tmp_path / "run", "Sends", says={"local-steps": 5}, **private)
    assert found["status"] == "failed"
    assert "'local-steps'" in found["failure"]
    assert "planned" in found["failure"]


def test_batches_and_masks_are_those_of_the_exchange_whatever_round_is_told(
    unequal_corpus: Path, tmp_path: Path
) -> None:
    rounds = {"rounds": 3, "learning_rate": 0.1}
    found = {
        what: _run(unequal_corpus, tmp_path / what, "OwnMessages", rounds, rounds=what)
        for what in ("flower", "none", "bare", "first")
    }
    assert {row["status"] for row in found.values()} == {"finished"}, found
    assert len({row["model_sha256"] for row in found.values()}) == 1
    assert len(set(_losses(tmp_path / "flower"))) == 3


def test_the_round_that_is_told_is_the_place_in_the_schedule(unequal_corpus: Path, tmp_path: Path) -> None:
    falling = {"rounds": 3, "learning_rate": 0.1, "decay": 0.0}
    first = _run(unequal_corpus, tmp_path / "first", "OwnMessages", falling, rounds="first")
    steady = _run(unequal_corpus, tmp_path / "steady", "OwnMessages", {**falling, "decay": 1.0}, rounds="none")
    untold = _run(unequal_corpus, tmp_path / "untold", "OwnMessages", falling, rounds="none")
    assert first["model_sha256"] == steady["model_sha256"] != untold["model_sha256"]


def test_flowers_fedprox_pulls(unequal_corpus: Path, tmp_path: Path) -> None:
    def sha(strategy: str, **options: Any) -> str:
        local = {"rounds": 1, "local_steps": 3}
        found = _run(unequal_corpus, tmp_path / f"{strategy} {options}", FLOWERS + strategy, local, **options)
        assert found["status"] == "finished", found["failure"]
        return str(found["model_sha256"])

    plain = sha("FedAvg")
    assert sha("FedProx", proximal_mu=0.0) == plain != sha("FedProx", proximal_mu=5.0)


def test_a_strategy_scales_the_rows_rate(unequal_corpus: Path, tmp_path: Path) -> None:
    row = {"rounds": 2, "learning_rate": 0.1}
    halved = _run(unequal_corpus, tmp_path / "halved", "Halves", row)
    fallen = _run(unequal_corpus, tmp_path / "fallen", "Sends", {**row, "decay": 0.5})
    assert halved["status"] == "finished", halved["failure"]
    assert halved["model_sha256"] == fallen["model_sha256"]


@pytest.mark.parametrize(("key", "is_known"), [("lr", True), ("local_epochs", True), ("spice", False)])
def test_what_nobody_wrote_cannot_be_scaled_and_the_mend_is_told(
    key: str, is_known: bool, unequal_corpus: Path, tmp_path: Path
) -> None:
    found = _run(unequal_corpus, tmp_path / "run", "Halves", key=key, begins=False)
    assert found["status"] == "failed"
    assert f"KeyError: '{key}'" in found["failure"]
    assert ("client_learning_rate" in found["failure"]) == is_known
