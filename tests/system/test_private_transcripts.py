"""Nothing is learnt from the transcripts of unlabelled speech."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.unequal import unequal_table

import fedasr
from fedasr.asr.word_errors import ErrorCounts
from fedasr.corpora.speech import UntranscribedError
from fedasr.engine.assembly import silo_host
from fedasr.engine.preparation import Prepared
from fedasr.experiment.experiment import Experiment
from fedasr.grid.in_process import InProcess
from fedasr.server.scoring import Scorer
from fedasr.server.simulator_view import SimulatorView

PATE = {"noise": 0.5, "epsilon": 5000.0, "teacher_steps": 2, "maximum_labels": 6}
ROWS = [
    {"name": "label", "strategy": "pate", "options": PATE},
    {"name": "mean", "strategy": "pate", "options": {**PATE, "mechanism": "noisy-mean", "noise": 0.05}},
    {"name": "frame", "strategy": "pate", "options": {
        "mechanism": "confident-gnmax", "votes": "frame", "noise": 0.5, "epsilon": 1e5, "teacher_steps": 2}},
    {"name": "utterance", "strategy": "pate", "options": {
        "votes": "utterance", "noise": 0.5, "epsilon": 5000.0, "teacher_steps": 2}},
    {"name": "public-only", "strategy": "public-only"},
]  # fmt: skip


def _rows(corpus: Path, out: Path) -> list[dict[str, Any]]:
    experiment = Experiment.from_table(unequal_table(corpus, compare=ROWS, reproducible_noise=True))
    return fedasr.run(experiment, out=out, grid="process").rows


def _with_noise_for(speakers: list[str], corpus: Path, other: Path) -> Path:
    """Copy a corpus; what these speakers said is written with characters that nobody else uses."""
    shutil.copytree(corpus, other)
    lines = [json.loads(line) for line in (other / "manifest.jsonl").read_text().splitlines()]
    for number, line in enumerate(lines):
        if line["speaker"] in speakers:
            line["text"] = "zq " * (number % 5) + "jx"
    (other / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return other


def test_noise_in_the_place_of_every_unlabelled_transcript_changes_no_model(
    unequal_corpus: Path, tmp_path: Path
) -> None:
    before = _rows(unequal_corpus, tmp_path / "before")
    partition = json.loads((tmp_path / "before" / "partition.json").read_text())
    speakers = partition["public_unlabelled"]["speakers"]
    after = _rows(_with_noise_for(speakers, unequal_corpus, tmp_path / "other"), tmp_path / "after")
    for mine, theirs in zip(after, before, strict=True):
        assert theirs["failure"] is None
        assert mine["model_sha256"] == theirs["model_sha256"], mine["name"]
        assert mine["development_wer"] == theirs["development_wer"]
    facts = [json.loads((tmp_path / run / "environment.json").read_text()) for run in ("before", "after")]
    assert facts[0]["corpus_digest"] != facts[1]["corpus_digest"], "the transcripts did change"
    assert json.loads((tmp_path / "after" / "mean" / "votes.json").read_text())["transcribed"] > 0


def test_the_simulator_alone_knows_the_truth(unequal: Prepared) -> None:
    truth = unequal.part("public_unlabelled")
    view = SimulatorView(truth)
    said = {place: truth.text(place) for place in range(len(truth))}
    assert view.errors(said) == ErrorCounts(
        words=sum(len(text.split()) for text in said.values()), characters=sum(map(len, said.values()))
    )
    assert view.errors({0: f"{said[0]} more"}).insertions == 1
    assert view.errors({}) == ErrorCounts()


def test_neither_silos_nor_a_score_read_them(unequal: Prepared) -> None:
    row, seed = unequal.experiment.rows()[0]
    public = silo_host(unequal, row, seed).public_speech
    with pytest.raises(UntranscribedError):
        public.text(0)
    score = Scorer(unequal.folder, unequal.recogniser_spec, unequal.tokens, InProcess())
    with pytest.raises(UntranscribedError):
        score({}, public)
