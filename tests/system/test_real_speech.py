"""A few people of AN4: their speech is trained on, decoded and scored, in seconds and far from well."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from support.running import tiny_table

import fedasr
from fedasr.asr.word_errors import count_errors, total
from fedasr.common.files import read_lines
from fedasr.corpora.readers.manifest import write_manifest
from fedasr.experiment.experiment import Experiment

SPEAKERS, UTTERANCES = 6, 5


def _few(an4: Path, folder: Path) -> Path:
    """Write a manifest of some utterances of some people, the audio where it is."""
    lines = read_lines(an4 / "manifest.jsonl")
    rows: list[dict[str, Any]] = []
    for speaker in islice(dict.fromkeys(line["speaker"] for line in lines), SPEAKERS):
        said = [line for line in lines if line["speaker"] == speaker][:UTTERANCES]
        rows += [{**line, "audio_filepath": str(an4 / line["audio_filepath"])} for line in said]
    write_manifest(folder / "manifest.jsonl", rows)
    return folder


def _experiment(corpus: Path) -> Experiment:
    table = tiny_table(
        model={"units": 32, "dropout": 0.0}, start={"epochs": 2, "learning_rate": 5e-3},
        central={"epochs": 60, "batch_size": 4, "learning_rate": 1e-2},
        training={"rounds": 24, "local_steps": 2, "silos_per_round": 0, "batch_size": 5, "learning_rate": 0.2},
        compare=[{"name": "fedavg", "strategy": "fedavg"}, {"name": "centralised", "strategy": "centralised"}],
    )  # fmt: skip
    table["corpus"] = {
        "kind": "manifest", "path": str(corpus), "public_speakers": 2, "development_speakers": 1, "test_speakers": 1,
        "held_out": 0,
    }  # fmt: skip
    return Experiment.from_table(table)


@pytest.fixture(scope="module")
def run(speech_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> fedasr.Result:
    folder = tmp_path_factory.mktemp("an4")
    return fedasr.run(_experiment(_few(speech_data("an4"), folder)), grid="process", out=folder / "run")


def _losses(run: fedasr.Result, row: str) -> list[float]:
    lines = read_lines(run.folder / row / "metrics.jsonl")
    return [line["development_loss"] for line in lines if line["development_loss"] is not None]


def test_training_on_it_lowers_the_loss_on_somebody_who_was_not_trained_on(run: fedasr.Result) -> None:
    start = _losses(run, "fedavg")[0]
    for row in run.rows:
        assert row["status"] == "finished", row["failure"]
        assert _losses(run, row["name"])[-1] < 0.75 * start, row["name"]


def test_what_is_heard_is_scored_against_what_was_said(run: fedasr.Result) -> None:
    (test,) = json.loads((run.folder / "partition.json").read_text())["test"]["speakers"]
    for row in run.rows:
        heard = read_lines(run.folder / row["name"] / "hypotheses.jsonl")
        assert {line["speaker"] for line in heard} == {test}
        assert len(heard) == UTTERANCES
        assert any(line["hypothesis"] for line in heard), "it says something"
        counts = total([count_errors(line["reference"], line["hypothesis"]) for line in heard])
        assert (row["wer"], row["cer"]) == (counts.wer, counts.cer)
        assert 0 < row["cer"] < 1.5
