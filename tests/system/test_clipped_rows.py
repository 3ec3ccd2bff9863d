"""Clipping as a row asks for it: in silos and at the centre, on both grids, stopped and resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.running import tiny_table
from support.unequal import run_unequal, stopped, write_corpus

import fedasr
from fedasr.common.errors import UserError
from fedasr.experiment.experiment import Experiment

NEVER = float("inf")
CHOICES: dict[str, dict[str, Any]] = {
    "example": {"granularity": "example"},
    "micro-batch": {"granularity": "micro-batch", "micro_batch": 2},
    "core": {"granularity": "core"},
    "layer": {"granularity": "layer", "bound": "per-layer"},
    "quantile": {"granularity": "core", "bound": "public-quantile"},
    "least": {"granularity": "core", "bound": "least"},
}


def _rows(folder: Path, choices: dict[str, dict[str, Any]], strategies: tuple[str, ...] = ("fedavg", "centralised"),
          grid: str = "process", **changes: Any) -> dict[str, dict[str, Any]]:  # fmt: skip
    compare = [{"name": strategy, "strategy": strategy} for strategy in strategies] + [
        {"name": f"{strategy}-{name}", "strategy": strategy, "protection": "clipping", "protection_options": options}
        for strategy in strategies
        for name, options in choices.items()
    ]
    found = fedasr.run(Experiment.from_table(tiny_table(compare=compare, **changes)), grid=grid, out=folder).rows
    assert {row["name"]: row["failure"] for row in found} == {row["name"]: None for row in compare}
    return {row["name"]: row for row in found}


def test_an_infinite_bound_of_the_whole_batch_gives_the_plain_model_to_the_bit(tmp_path: Path) -> None:
    free = {
        "core": {"granularity": "core", "cores": 1, "clip_norm": NEVER},
        "layer": {"granularity": "layer", "clip_norm": NEVER},
    }
    rows = _rows(tmp_path / "run", free)
    for strategy in ("fedavg", "centralised"):
        digests = {rows[name]["model_sha256"] for name in (strategy, f"{strategy}-core", f"{strategy}-layer")}
        assert len(digests) == 1, strategy


def test_every_granularity_trains_alike_on_both_grids_and_promises_nothing(tmp_path: Path) -> None:
    rows = _rows(tmp_path / "run", CHOICES)
    again = _rows(tmp_path / "ray", CHOICES, ("fedavg",), grid="ray")
    assert {name: row["model_sha256"] for name, row in again.items()} == {
        name: rows[name]["model_sha256"] for name in again
    }
    for name, row in rows.items():
        assert (row["epsilon"], row["epsilon_kind"], row["privacy_unit"]) == (None, None, None)
        assert not list((tmp_path / "run" / name).glob("releases/*"))
    assert len({row["model_sha256"] for row in rows.values()}) == len(rows)


@pytest.mark.parametrize("name", ["example", "micro-batch", "layer", "quantile", "least"])
def test_a_row_that_is_stopped_and_resumed_ends_with_the_same_bits(name: str, tmp_path: Path) -> None:
    row = {"name": "row", "strategy": "fedavg", "protection": "clipping", "protection_options": CHOICES[name]}
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    write_corpus(corpus)
    (whole,) = run_unequal(corpus, tmp_path / "whole", row)
    with stopped(1, is_saved=True):
        run_unequal(corpus, tmp_path / "run", row)
    (resumed,) = run_unequal(corpus, tmp_path / "run", row)
    assert (whole["failure"], resumed["failure"]) == (None, None)
    assert resumed["model_sha256"] == whole["model_sha256"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"granularity": "utterance"}, "granularity"),
        ({"cores": 4}, "'protection_options.cores' takes no effect; it goes with granularity = 'core'"),
        ({"bound": "least", "clip_norm": 2.0}, "clip_norm' takes no effect; it goes with bound = 'fixed' or"),
        ({"granularity": "layer", "bound": "least"}, "cuts nothing of a single group"),
        ({"granularity": "core", "cores": 1, "bound": "least"}, "cuts nothing of a single group"),
        ({"granularity": "silo", "bound": "least"}, "what a silo sends is cut by fixed or per-layer"),
        ({"clip_norm": 0.0}, "clip_norm"),
    ],
)
def test_what_takes_no_effect_is_refused(options: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as refusal:
        _rows(tmp_path / "run", {"odd": options}, ("fedavg",))
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "run").exists()


def test_a_quantile_of_public_speech_is_refused_where_there_is_none(tmp_path: Path) -> None:
    row = {"name": "row", "strategy": "fedavg", "protection": "clipping", "protection_options": CHOICES["quantile"]}
    without = {"corpus": {"public_speakers": 0}, "model": {"start": "scratch"}}
    experiment = Experiment.from_table(tiny_table(compare=[row], **without))
    with pytest.raises(UserError, match=r"needs labelled public speech, .* set corpus\.public_speakers"):
        fedasr.run(experiment, grid="process", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
