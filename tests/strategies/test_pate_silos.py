"""PATE where silos hold unlike much, fail, or are stopped on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.unequal import SIZES, run_unequal, stopped
from support.watched import failing

from fedasr.asr.features import stacked_length
from fedasr.common.files import load_arrays, read_lines
from fedasr.engine.preparation import Prepared
from fedasr.privacy.accounting.calibration import noise_for

SHARES = np.array(SIZES) / max(SIZES)
"""What the vote of each silo counts, weighted by utterances."""


def _row(**options: Any) -> dict[str, Any]:
    known = {"epsilon": 1e4, "noise": 1.0, "teacher_steps": 2, "maximum_labels": 3}
    return {"name": "pate", "strategy": "pate", "options": {**known, **options}}


def _votes(folder: Path) -> np.ndarray:
    """Return the votes as they were cast."""
    paths = sorted((folder / "pate" / "seen").glob("votes*.safetensors"))
    return np.concatenate([load_arrays(path)[0]["votes"] for path in paths])


def _told(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "pate" / "votes.json").read_text())
    return told


def test_the_vote_of_the_largest_silo_counts_one_and_the_others_their_share(
    unequal_corpus: Path, tmp_path: Path
) -> None:
    """A release is charged for a teacher that counts one: none may count more."""
    (row,) = run_unequal(unequal_corpus, tmp_path / "run", _row(weighting="utterances"))
    assert row["status"] == "finished", row["failure"]
    votes = _votes(tmp_path / "run")
    np.testing.assert_allclose(votes.sum(1), SHARES.sum())
    possible = {sum(subset) for n in range(16) for subset in [[SHARES[i] for i in range(4) if n >> i & 1]]}
    assert {min(possible, key=lambda p: abs(p - v)) - v < 1e-9 for v in votes.ravel().tolist()} == {True}
    ledger = read_lines(tmp_path / "run" / "pate" / "releases" / "ledger.jsonl")
    assert {release["mechanism"]["largest_weight"] for release in ledger} == {1.0}


def test_a_threshold_is_a_share_of_the_votes_and_not_of_the_silos(unequal_corpus: Path, tmp_path: Path) -> None:
    for weighting, voices in (("utterances", SHARES.sum()), ("uniform", len(SIZES))):
        folder = tmp_path / weighting
        run_unequal(unequal_corpus, folder, _row(mechanism="confident-gnmax", threshold=0.6, weighting=weighting))
        assert _told(folder)["mechanism"]["threshold"] == pytest.approx(0.6 * voices)


def _expected_votes(prepared: Prepared, kind: str) -> int:
    """Return the votes that the public speech needs: known to the vote, but for the length of its transcripts."""
    asked, known = prepared.part("public_unlabelled"), prepared.part("public_labelled")
    frames = [asked.frames(place) for place in range(len(asked))]
    if kind == "utterance":
        return len(asked)
    if kind == "frame":
        return sum(map(stacked_length, frames))
    with_end = sum(len(prepared.tokens.encode(u.text)) + 1 for u in known.utterances)
    return round(with_end * sum(frames) / sum(known.frames(place) for place in range(len(known))))


@pytest.mark.parametrize("votes", ["label", "utterance", "frame"])
def test_noise_is_planned_for_all_votes_and_the_end_is_one_of_them(
    votes: str, unequal: Prepared, unequal_corpus: Path, tmp_path: Path
) -> None:
    row = _row(votes=votes, epsilon=8.0)
    del row["options"]["noise"]
    if votes == "frame":
        del row["options"]["maximum_labels"]
    run_unequal(unequal_corpus, tmp_path / "run", row)
    planned = noise_for("gnmax", _expected_votes(unequal, votes), 8.0, 1e-5, "replace-one", teachers=len(SIZES))
    assert _told(tmp_path / "run")["mechanism"]["sigma"] == pytest.approx(planned, rel=1e-12)


def test_seeds_ask_about_other_utterances(unequal_corpus: Path, tmp_path: Path) -> None:
    """The first question of a chunk is about utterances alone, one of two here: its digest tells which."""
    run_unequal(unequal_corpus, tmp_path / "run", _row(utterances=1, maximum_labels=1), seeds=[1, 2, 3, 4])
    first = [next((tmp_path / "run" / f"pate@{seed}" / "releases").glob("votes.0.0.*")).name for seed in (1, 2, 3, 4)]
    assert len(set(first)) == 2


@pytest.mark.parametrize(
    "options",
    [
        {"weighting": "utterances"},
        {"mechanism": "noisy-mean", "noise": 0.05, "noise_at": "teacher", "server_sees": "mean", "epsilon": 1e5},
    ],
)
@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_resumed_row_knows_who_has_a_teacher_and_what_each_counts(
    options: dict[str, Any], stop: int, unequal_corpus: Path, tmp_path: Path
) -> None:
    grid, row, seeded = failing("train.teacher", 2), _row(**options), {"reproducible_noise": True}
    (whole,) = run_unequal(unequal_corpus, tmp_path / "whole", row, grid=grid, **seeded)
    assert whole["status"] == "finished", whole["failure"]
    with stopped(stop, is_saved=True):
        run_unequal(unequal_corpus, tmp_path / "run", row, grid=grid, **seeded)
    (resumed,) = run_unequal(unequal_corpus, tmp_path / "run", row, grid=grid, **seeded)
    for key in ("model_sha256", "epsilon", "wer", "uplink_bytes", "downlink_bytes"):
        assert resumed[key] == whole[key], key
    if "weighting" in options:
        np.testing.assert_allclose(_votes(tmp_path / "run").sum(1), SHARES.sum() - SHARES[2])


@pytest.mark.parametrize(
    ("silos", "least", "status"),
    [((1, 3), 0.5, "finished"), ((1, 3), 0.6, "failed"), ((0, 1, 2), 0.5, "failed"), ((0, 1, 2, 3), 0.0, "failed")],
)
def test_too_few_teachers_end_the_row(
    silos: tuple[int, ...], least: float, status: str, unequal_corpus: Path, tmp_path: Path
) -> None:
    grid = failing("train.teacher", *silos)
    (row,) = run_unequal(unequal_corpus, tmp_path / "run", _row(), grid=grid, training={"least_replies": least})
    assert row["status"] == status
    if status == "failed":
        assert f"{len(silos)} of 4 silos trained no teacher: OSError: no electricity" in row["failure"]
        assert row["epsilon"] is None, "nothing was released"


def test_a_teacher_that_does_not_answer_has_no_vote_and_if_none_does_the_row_ends(
    unequal_corpus: Path, tmp_path: Path
) -> None:
    (row,) = run_unequal(unequal_corpus, tmp_path / "one", _row(), grid=failing("query.label", 1))
    assert row["status"] == "finished", row["failure"]
    assert set(_votes(tmp_path / "one").sum(1)) == {3.0}
    (row,) = run_unequal(unequal_corpus, tmp_path / "all", _row(), grid=failing("query.label", 0, 1, 2, 3))
    assert "no teacher answered: OSError: no electricity" in row["failure"]
    assert not list((tmp_path / "all" / "pate").glob("releases/*.safetensors"))
