"""What is published of a whole run holds no word, name or digest of the silos, and can be used."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.running import command
from support.unequal import unequal_table

import fedasr
import fedasr.report
from fedasr.asr.recogniser import digest
from fedasr.common.files import load_arrays
from fedasr.experiment.experiment import Experiment

MARK = "zqj"
"""Stands in every transcript of a silo, and in no other."""
PRIVATE = {"protection": "dp-sgd", "protection_options": {"noise_multiplier": 1.0, "batch_size": 2}}
ROWS: list[dict[str, Any]] = [
    {"name": "public-only", "strategy": "public-only"},
    {"name": "dp-fedavg", "strategy": "dp-fedavg", "options": {"noise_multiplier": 1.0}},
    {"name": "in-silos", "strategy": "fedavg", **PRIVATE},
    {"name": "pate", "strategy": "pate", "options": {"votes": "utterance", "teacher_steps": 2}},
    {"name": "fedavg", "strategy": "fedavg"},
    {"name": "local-only", "strategy": "local-only", "options": {"steps": 2}},
]
PUBLISHED = {"public-only", "dp-fedavg", "in-silos", "pate"}


@pytest.fixture(scope="module")
def run(unequal_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run on speech of whose silos every transcript is marked."""
    place = tmp_path_factory.mktemp("published")
    first = fedasr.run(Experiment.from_table(unequal_table(unequal_corpus, compare=ROWS[:1])), out=place / "first",
                       grid="process")  # fmt: skip
    silos = {name for silo in _partition(first.folder)["silos"] for name in silo["speakers"]}
    shutil.copytree(unequal_corpus, place / "corpus")
    lines = [json.loads(line) for line in (place / "corpus" / "manifest.jsonl").read_text().splitlines()]
    marked = [{**line, "text": f"{line['text']} {MARK}"} if line["speaker"] in silos else line for line in lines]
    (place / "corpus" / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in marked))
    table = unequal_table(place / "corpus", compare=ROWS)
    return fedasr.run(Experiment.from_table(table), out=place / "run", grid="process").folder


@pytest.fixture(scope="module")
def published(run: Path) -> Path:
    done = command("fedasr.report", run, "--release", run.parent / "out")
    assert (done.code, done.err) == (0, "")
    return run.parent / "out"


def _partition(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "partition.json").read_text())
    return found


def _texts(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_no_word_name_or_digest_of_the_silos_is_published(run: Path, published: Path) -> None:
    speakers = [name.encode() for silo in _partition(run)["silos"] for name in silo["speakers"]]
    corpus = json.loads((run / "environment.json").read_text())["corpus_digest"]
    secrets = [MARK.encode(), corpus.encode(), *speakers]
    assert any(MARK.encode() in text for text in _texts(run.parent / "corpus").values())
    assert all(any(secret in text for text in _texts(run).values()) for secret in secrets[1:])
    assert [(name, s) for name, text in _texts(published).items() for s in secrets if s in text] == []


def test_published_are_the_rows_that_may_be_and_the_others_by_name(run: Path, published: Path) -> None:
    kept = {Path(name).parts[0] for name in _texts(published) if "/" in name}
    assert kept == PUBLISHED
    page = (published / "report.html").read_text()
    assert "fedavg and local-only learnt from the silos’ speech without a promise that holds" in page
    assert fedasr.report.write_page(run, release=True).read_text() == page, "simulate --release writes the same"


def test_a_published_model_is_that_of_the_summary_and_can_be_used(run: Path, published: Path) -> None:
    for row in json.loads((run / "summary.json").read_text())["rows"]:
        if row["name"] in PUBLISHED:
            weights, _ = load_arrays(published / row["name"] / "model.safetensors")
            assert digest(weights) == row["model_sha256"]
    manifest = run.parent / "corpus" / "manifest.jsonl"
    done = command("fedasr.evaluate", published / "dp-fedavg", manifest)
    assert done.code == 0, done.err
    assert done.out.startswith("WER ")


def test_what_is_no_run_is_refused_in_one_line(tmp_path: Path, published: Path) -> None:
    for arguments in (
        (tmp_path, "--release", tmp_path / "out"),
        (tmp_path,),
        (published.parent / "run", "--release", published),
    ):
        done = command("fedasr.report", *arguments)
        assert done.code == 2
        assert done.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
