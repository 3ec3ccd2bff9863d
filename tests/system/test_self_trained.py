"""Rows that learn public speech as the start hears it: by public speech alone, beside private speech, and protected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.running import tiny_table

import fedasr
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.runs.folder import Run
from fedasr.server.progress import Progress
from fedasr.training.targets import stored

SELF: dict[str, Any] = {"objective": "self-trained"}
LOTS = {"epsilon": 6.0, "batch_size": 2, "steps": 4}
ALONE = {"name": "public-self", "strategy": "public-only", "options": {"epochs": 2}, **SELF}
CENTRE = {"strategy": "centralised", **SELF}
ROWS: list[dict[str, Any]] = [
    ALONE,
    {"name": "public-only", "strategy": "public-only", "options": {"epochs": 2}},
    {"name": "centralised", **CENTRE},
    {"name": "dp-sgd", **CENTRE, "protection": "dp-sgd", "protection_options": LOTS},
    {"name": "adamix", **CENTRE, "protection": "adamix", "protection_options": {**LOTS, "public_batch": 7}},
]
LABELLED, UNLABELLED, PRIVATE = 6, 3, 12
"""Utterances. A start that hears something takes minutes of training, so one says that it does."""


def _experiment(rows: list[dict[str, Any]]) -> Experiment:
    return Experiment.from_table(tiny_table(
        compare=rows, corpus={"unlabelled_speakers": 1, "speakers": 10}, reproducible_noise=True,
    ))  # fmt: skip


@pytest.fixture(scope="module")
def hears() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored, "_heard", lambda teacher, encodings_BTF, *others: ["one"] * len(encodings_BTF))
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, hears: None) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("self") / "run"
    rows = fedasr.run(_experiment(ROWS), out=folder, grid="process").rows
    assert {row["name"]: row["failure"] for row in rows if row["failure"]} == {}
    return folder, {row["name"]: row for row in rows}


def _taken(folder: Path, row: str) -> list[tuple[float, float]]:
    lines = map(json.loads, (folder / row / "metrics.jsonl").read_text().splitlines())
    return [(line["utterances"], line["public_utterances"]) for line in lines if line["round"]]


def test_what_the_start_hears_is_public_speech_to_learn_from(trained: tuple[Path, dict[str, dict[str, Any]]]) -> None:
    folder, _ = trained
    assert _taken(folder, "public-self") == [(0, LABELLED + UNLABELLED)] * 2
    assert _taken(folder, "public-only") == [(0, LABELLED)] * 2
    assert _taken(folder, "centralised") == [(PRIVATE, LABELLED + UNLABELLED)] * 2
    assert sum(private for private, _ in _taken(folder, "adamix")) == 4 * 2
    assert sum(public for _, public in _taken(folder, "adamix")) == 4 * 7, "more than is labelled"


def test_public_speech_alone_promises_nothing_and_needs_not(trained: tuple[Path, dict[str, dict[str, Any]]]) -> None:
    _, rows = trained
    assert (rows["public-self"]["epsilon"], rows["public-self"]["privacy_unit"]) == (None, None)
    assert rows["public-self"]["epsilon_kind"] is None
    assert rows["public-self"]["uplink_bytes"] == 0
    assert rows["public-self"]["model_sha256"] != rows["public-only"]["model_sha256"]


def test_adamix_protects_the_private_speech_alone_and_dp_sgd_all(
    trained: tuple[Path, dict[str, dict[str, Any]]]
) -> None:  # fmt: skip
    folder, _ = trained
    for row, speech in (("adamix", PRIVATE), ("dp-sgd", PRIVATE + LABELLED + UNLABELLED)):
        lines = map(json.loads, (folder / row / "releases" / "ledger.jsonl").read_text().splitlines())
        assert {line["mechanism"]["rate"] for line in lines} == {LOTS["batch_size"] / speech}


def test_it_is_resumed_to_the_bit(trained: tuple[Path, dict[str, dict[str, Any]]], tmp_path: Path) -> None:
    class Stopping(Watcher):
        def round(self, progress: Progress) -> None:
            if progress.round == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fedasr.run(_experiment([ALONE]), out=tmp_path / "run", grid="process", watcher=Stopping())
    (resumed,) = fedasr.run(Run.open(tmp_path / "run").experiment, resume=tmp_path / "run", grid="process").rows
    assert resumed["model_sha256"] == trained[1]["public-self"]["model_sha256"]
