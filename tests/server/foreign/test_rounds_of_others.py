"""What a strategy returns, sends and waits for: a model, or a row that failed and says why."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.unequal import SIZES, run_unequal, stopped

from . import given

MINE = "server.foreign.given:"
FLOWERS = "flwr.serverapp.strategy:"


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    given.SEEN.clear()
    yield
    given.SEEN.clear()


def _run(corpus: Path, folder: Path, strategy: str, rounds: int = 2, **options: Any) -> dict[str, Any]:
    row = {"name": "x", "strategy": strategy, "options": options}
    (found,) = run_unequal(corpus, folder, row, training={"rounds": rounds, "local_steps": 1})
    return found


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("none", "made no model of the replies"),
        ("nan", "not finite"),
        ("inf", "not finite"),
        ("by place", "named by their place"),
        ("too few", "other arrays than the model's"),
        ("flat", "of shape (1,)"),
        ("a dictionary", "a dict, not an ArrayRecord"),
        ("one thing", "ArrayRecord, not arrays and metrics"),
    ],
)
def test_what_is_no_model_fails_the_row_in_its_round(
    what: str, says: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    round = 2 if what in ("none", "nan") else 1
    found = _run(unequal_corpus, tmp_path / "run", MINE + "Aggregates", what=what, round=round)
    assert found["status"] == "failed"
    assert found["failure"].startswith(f"round {round}: Aggregates: aggregate_train")
    assert says in found["failure"]
    assert found["refused_replies"] == 0  # no silo is blamed


@pytest.mark.parametrize(
    ("strategy", "options", "says"),
    [
        (MINE + "SendsNaN", {}, "its own step made them"),
        (MINE + "AsksNobody", {}, "asked no silo to train"),
        (FLOWERS + "Bulyan", {"num_malicious_nodes": 2}, "Required at least 11"),
        (FLOWERS + "FedAdagrad", {"tau": 0.0}, "not finite"),
    ],
)
def test_a_round_that_makes_no_model_is_said(
    strategy: str, options: dict[str, Any], says: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    row = {"name": "x", "strategy": strategy, "options": options}
    training = {"rounds": 2, "local_steps": 1, "learning_rate": 0.0}
    (found,) = run_unequal(unequal_corpus, tmp_path / "run", row, training=training)
    assert found["status"] == "failed"
    assert says in found["failure"]
    assert found["refused_replies"] == 0


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_nobody_waits_for_ever(seconds: float, unequal_corpus: Path, tmp_path: Path) -> None:
    begun = time.monotonic()
    found = _run(unequal_corpus, tmp_path / "run", MINE + "Waits", seconds=seconds)
    assert found["status"] == "failed"
    assert found["failure"] == "Waits waits for more silos than there are: 4, and no more will come"
    assert time.monotonic() - begun < 20


def test_one_configuration_goes_through_all_rounds_and_a_resume(unequal_corpus: Path, tmp_path: Path) -> None:
    row = {"name": "x", "strategy": MINE + "Remembers"}
    training = {"rounds": 3, "local_steps": 1}
    (whole,) = run_unequal(unequal_corpus, tmp_path / "whole", row, training=training)
    assert given.SEEN == [(1, 4.0), (2, 2.0), (3, 1.0)]
    with stopped(2, is_saved=True):
        run_unequal(unequal_corpus, tmp_path / "run", row, training=training)
    given.SEEN.clear()
    (resumed,) = run_unequal(unequal_corpus, tmp_path / "run", row, training=training)
    assert given.SEEN == [(3, 1.0)]
    assert resumed["model_sha256"] == whole["model_sha256"]


def test_the_grid_answers_what_flowers_answers(unequal_corpus: Path, tmp_path: Path) -> None:
    found = _run(unequal_corpus, tmp_path / "run", MINE + "LooksAround", rounds=1)
    assert found["status"] == "finished", found["failure"]
    assert given.SEEN == [(0, {}, [2, 3, 4, 5], 2)]


def test_a_function_for_metrics_sees_every_reply(unequal_corpus: Path, tmp_path: Path) -> None:
    found = _run(unequal_corpus, tmp_path / "run", MINE + "Metrics", rounds=1)
    assert found["status"] == "finished", found["failure"]
    assert [len(SIZES)] == given.SEEN
