"""The page that is published does not depend on anything of a run that is the simulator's alone to see."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from support.made_up_runs import lines, write

from fedasr.report import read_run, write_page
from fedasr.runs.data import RoundData
from fedasr.runs.publication.shown import COSTS, POINT, PROMISED, TESTED, shown
from fedasr.runs.row_summary import RowSummary

Make = Callable[..., Any]
PROMISE = {
    "epsilon": 2.0, "delta": 1e-5, "privacy_unit": "silo", "adjacency": "replace-one", "epsilon_kind": "accountant",
    "private_speech": True,
}  # fmt: skip
OWN = {"own_wer", "own_wer_low", "own_wer_high", "own_wer_decoded", "left_behind_wer", "left_behind_wer_low",
       "left_behind_wer_high", "wer_spread"}  # fmt: skip
"""What a model does on the silos' own speech."""


@pytest.fixture
def run(make_run: Make, make_row: Make) -> Path:
    folder: Path = make_run([
        make_row("public-only", private_speech=False),
        make_row("dp-fedavg", **PROMISE, network="phones-4g", own_wer=0.2),
        make_row("fedavg", private_speech=True, wer=0.111),
    ])  # fmt: skip
    return folder


def _rewrite(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    lines(path, [change(json.loads(line)) for line in path.read_text().splitlines()])


def _in_summary(run: Path, name: str, key: str, value: Any) -> None:
    summary = json.loads((run / "summary.json").read_text())
    summary["rows"] = [{**row, key: value} if row["name"] == name else row for row in summary["rows"]]
    write(run / "summary.json", summary)


PRIVATE = sorted({field.name for field in fields(RowSummary)} - {*POINT, *TESTED, *PROMISED})
ROUND = sorted({field.name for field in fields(RoundData)} - {"round", "development_wer", "development_loss"})


@pytest.mark.parametrize("key", PRIVATE)
def test_what_a_promising_row_took_and_did_in_silos_changes_nothing_on_the_page(key: str, run: Path) -> None:
    """Bytes, seconds, refusals and utterances follow from its cohort, which the accountant takes as secret."""
    before = write_page(run, release=True).read_text()
    values: dict[str, Any] = {"wer_spread": [0.777, 0.888], "failure": "a loss of utterance an4-7", "note": "of an4-7"}
    _in_summary(run, "dp-fedavg", key, values.get(key, 0.7654321e9))
    assert write_page(run, release=True).read_text() == before


@pytest.mark.parametrize("key", ROUND)
def test_nor_does_what_each_of_its_rounds_took(key: str, run: Path) -> None:
    before = write_page(run, release=True).read_text()
    told = {"refused": [3, 5], "dropped": [4], "evaluation": {"wer": 0.777}}.get(key, 76543.21)
    _rewrite(run / "dp-fedavg" / "metrics.jsonl", lambda line: {**line, key: told})
    assert write_page(run, release=True).read_text() == before


def test_nor_do_messages_silos_partition_hypotheses_or_the_digest_of_the_corpus(run: Path) -> None:
    write(run / "compute.json", {"seconds_per_audio_second": 0.02, "parameters": 1000, "processor": "x"})
    before = write_page(run, release=True).read_text()
    for name in ("dp-fedavg", "fedavg"):
        _rewrite(run / name / "traffic.jsonl", lambda line: {**line, "blob_bytes": 7654321, "audio_seconds": 7654.3})
        _rewrite(run / name / "hypotheses.jsonl", lambda line: {**line, "hypothesis": "secret", "reference": "secret"})
        (run / name / "silos.json").unlink()
    partition = json.loads((run / "partition.json").read_text())
    silos = [{**silo, "seconds": 7654.3, "speakers": ["secret"]} for silo in partition["silos"]]
    write(run / "partition.json", {**partition, "silos": silos})
    facts = json.loads((run / "environment.json").read_text())
    write(run / "environment.json", {**facts, "corpus_digest": "7654321", "hosts": "secret"})
    write(run / "corpus.json", {"corpora": {}, "parts": {"silos": {"utterances": 7654321}}, "notes": ["secret"]})
    write(run / "fedavg" / "votes.json", {"mechanism": {"kind": "gnmax"}, "agreement": 0.7654321})
    assert write_page(run, release=True).read_text() == before


def test_a_row_without_a_promise_changes_nothing_but_its_name(run: Path) -> None:
    before = write_page(run, release=True).read_text()
    for key in ("wer", "wer_low", "wer_high", "cer", "uplink_bytes", "model_sha256"):
        _in_summary(run, "fedavg", key, 0.7654321)
    for path in (run / "fedavg").iterdir():
        path.write_text("")
    assert write_page(run, release=True).read_text() == before
    assert "fedavg learnt from the silos’ speech" in before


@pytest.mark.parametrize("key", sorted(OWN))
def test_no_row_is_shown_on_the_silos_own_speech(key: str, run: Path) -> None:
    """Not even one that heard none of it: its errors there are told by that speech, and nobody pays for them."""
    assert all(getattr(row, key) is None for row in shown(read_run(run)).rows)
    before = write_page(run, release=True).read_text()
    _in_summary(run, "public-only", key, [0.777, 0.888] if key == "wer_spread" else 0.777)
    assert write_page(run, release=True).read_text() == before


def test_what_is_promised_and_tested_is_shown(run: Path) -> None:
    rows = {row.name: row for row in shown(read_run(run)).rows}
    assert set(rows) == {"public-only", "dp-fedavg"}
    assert rows["dp-fedavg"].epsilon == 2.0
    assert rows["dp-fedavg"].wer == 0.3
    assert [line.development_wer for line in rows["dp-fedavg"].metrics]
    assert rows["dp-fedavg"].uplink_bytes is None
    assert rows["public-only"].uplink_bytes == 0
    assert rows["public-only"].wall_seconds == 95.0
    text = write_page(run, release=True).read_text()
    assert "30.0" in text
    assert "nothing sent" not in text, "what is not told is not nothing"


def test_why_a_promising_row_failed_is_not_told(run: Path, make_failed_row: Make) -> None:
    summary = json.loads((run / "summary.json").read_text())
    summary["rows"].append({**make_failed_row("pate", "silo 3: utterance an4-7 is no number"), **PROMISE})
    write(run / "summary.json", summary)
    text = write_page(run, release=True).read_text()
    assert "an4-7" not in text
    assert "why it failed stays with those who ran it" in text
    assert "an4-7" in write_page(run).read_text()


def test_every_field_of_a_row_is_decided_upon() -> None:
    """A new field of a row is private until somebody says otherwise, here and in the list."""
    known = {field.name for field in fields(RowSummary)}
    assert set(PRIVATE) - set(COSTS) - OWN <= {"epsilon_if_secure", "subspace_overlap"}
    assert {*POINT, *TESTED} <= known
