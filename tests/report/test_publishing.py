"""The folder of what may be published: nothing of what was planted in a run's private files is in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.made_up_runs import lines, write
from typer.testing import CliRunner

from fedasr.common.errors import UserError
from fedasr.common.files import load_arrays, read_json, save_arrays
from fedasr.report.__main__ import app
from fedasr.report.publishing import publish

Make = Callable[..., Any]
SECRET = b"PLANTED"
"""Stands in every file of a run that may not be published, and in what may not be of those that may in part."""
PROMISE = {
    "epsilon": 2.0, "delta": 1e-5, "privacy_unit": "silo", "adjacency": "replace-one", "epsilon_kind": "accountant",
    "private_speech": True,
}  # fmt: skip
LINE = {
    "mechanism": {"kind": "gaussian-sum", "noise_multiplier": 3.0, "clip_norm": 1.0}, "unit": "silo",
    "adjacency": "replace-one", "noise": "secure", "sampling_assumed": "all", "sampling_used": "all", "count": 3,
    "key": "round.1", "digest": "PLANTED", "upper": None, "covers": [], "cohort": "PLANTED",
}  # fmt: skip
PRIVATE_FILES = (
    "traffic.jsonl", "metrics.jsonl", "silos.json", "speakers.json", "votes.json", "votes.npy", "row.jsonl",
    "last.safetensors", "decoder.safetensors", "unpaid.jsonl", "checkpoint/state.safetensors",
    "checkpoint/silos-3/0.safetensors", "checkpoint/unsaved.jsonl", "checkpoint/after/round.3/grid.safetensors",
    "seen/round.1.safetensors", "seen/round.1.jsonl", "releases/round.1.safetensors", "releases/ledger.jsonl",
    "releases/announced.jsonl", "kept/0.safetensors", "anything.txt",
)  # fmt: skip
OF_THE_RUN = (
    "corpus.json", "compute.json", "shared.json", "decoding.json", "decoder.safetensors", "report.html", ".lock",
    "start/seed-1.safetensors", "start/seed-1.left-behind.json", "stages/silo-0/teacher.safetensors", "notes.txt",
)  # fmt: skip


@pytest.fixture
def run(make_run: Make, make_row: Make) -> Path:
    """Return a run whose every file holds the secret, where it is not to be published."""
    folder: Path = make_run([
        make_row("public-only", private_speech=False), make_row("dp-fedavg", **PROMISE),
        make_row("fedavg", private_speech=True), make_row("pate", private_speech=True, epsilon_kind="void"),
    ])  # fmt: skip
    for name in ("public-only", "dp-fedavg", "fedavg", "pate"):
        _plant(folder / name)
    for name in OF_THE_RUN:
        _write(folder / name, _planted(name))
    partition = json.loads((folder / "partition.json").read_text())
    write(folder / "partition.json", {**partition, "silos": [{**s, "note": "PLANTED"} for s in partition["silos"]]})
    write(folder / "environment.json", {"python": "3.11.9", "corpus_digest": "PLANTED", "hosts": "PLANTED"})
    return folder


def _plant(row: Path) -> None:
    for name in PRIVATE_FILES:
        _write(row / name, _planted(name))
    heard = json.loads((row / "hypotheses.jsonl").read_text().splitlines()[0])
    own = {"id": "own-1", "speaker": "speaker3", "reference": "PLANTED of a silo", "hypothesis": "PLANTED"}
    lines(row / "hypotheses.jsonl", [{**heard, "note": "PLANTED"}, own, {**own, "speaker": "nobody"}])
    weights = {"ctc.weight": np.arange(6, dtype=np.float32).reshape(2, 3)}
    about = {"recogniser": {"units": 3}, "tokens": {"kind": "characters"}, "text": "as-read", "heard": "PLANTED"}
    save_arrays(row / "model.safetensors", weights, about)
    write(row / "privacy.json", {"epsilon": 2.0, "delta": 1e-5, "trust": "the server", "agreement": "PLANTED",
                                 "ledger": [LINE]})  # fmt: skip


def _planted(name: str) -> bytes:
    """Return a file of the usual form with the secret in it."""
    record = {"name": "PLANTED", "speaker": "PLANTED", "rows": ["fedavg"], "note": "PLANTED"}
    return json.dumps([record] if name in ("shared.json", "speakers.json") else record).encode() + b"\n"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def test_nothing_that_was_planted_is_published(run: Path, tmp_path: Path) -> None:
    publish(run, tmp_path / "out")
    assert [path for path in _files(tmp_path / "out") if SECRET in path.read_bytes()] == []


def test_published_are_the_page_and_of_each_row_that_may_be_its_model_ledger_and_hypotheses(
    run: Path, tmp_path: Path
) -> None:
    publish(run, tmp_path / "out")
    rows = [f"{row}/{name}" for row in ("dp-fedavg", "public-only") for name in
            ("hypotheses.jsonl", "model.safetensors", "privacy.json")]  # fmt: skip
    found = [path.relative_to(tmp_path / "out").as_posix() for path in _files(tmp_path / "out")]
    assert found == [*rows, "report.html"]


def test_what_is_published_of_a_file_is_as_it_was(run: Path, tmp_path: Path) -> None:
    publish(run, tmp_path / "out")
    weights, about = load_arrays(tmp_path / "out" / "dp-fedavg" / "model.safetensors")
    assert np.array_equal(weights["ctc.weight"], np.arange(6, dtype=np.float32).reshape(2, 3))
    assert about == {"recogniser": {"units": 3}, "tokens": {"kind": "characters"}, "text": "as-read"}
    heard = (tmp_path / "out" / "dp-fedavg" / "hypotheses.jsonl").read_text().splitlines()
    assert [json.loads(line)["speaker"] for line in heard] == ["test0"]
    privacy = read_json(tmp_path / "out" / "dp-fedavg" / "privacy.json")
    kept = {key: value for key, value in LINE.items() if key not in ("digest", "cohort")}
    assert privacy == {"epsilon": 2.0, "delta": 1e-5, "trust": "the server", "ledger": [kept]}


def test_rows_that_promise_nothing_are_named_and_left_out(run: Path, tmp_path: Path) -> None:
    publish(run, tmp_path / "out")
    text = (tmp_path / "out" / "report.html").read_text()
    assert "Left out, with all that was made of them: fedavg and pate learnt from the silos’ speech" in text


def test_without_a_partition_nobody_knows_whose_speech_was_heard(run: Path, tmp_path: Path) -> None:
    (run / "partition.json").unlink()
    publish(run, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("hypotheses.jsonl"))


def test_a_folder_that_holds_something_is_refused_and_left_as_it_is(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    _write(out / "mine.txt", b"mine")
    with pytest.raises(UserError, match=r"--release .*out: there is something there already"):
        publish(run, out)
    assert [path.name for path in tmp_path.iterdir() if path != run] == ["out"]
    assert [path.name for path in _files(out)] == ["mine.txt"]


@pytest.mark.parametrize("place", ["", "public", "row/../public", "row/public"])
def test_a_folder_inside_the_run_is_refused_and_not_made(run: Path, place: str) -> None:
    before = sorted(run.rglob("*"))
    with pytest.raises(UserError, match=r"lies in the run folder, which is private; name a folder outside of it"):
        publish(run, run / place)
    assert sorted(run.rglob("*")) == before


def test_an_empty_folder_is_taken_and_a_failure_leaves_none(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    publish(run, tmp_path / "out")
    assert (tmp_path / "out" / "report.html").is_file()

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fedasr.report.publishing.copy_published", fail)
    with pytest.raises(UserError, match="disk is full"):
        publish(run, tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == [run.name, "out"]


@pytest.mark.parametrize("option", [[], ["--release", "out"]])
def test_the_command_writes_the_page_or_the_folder(
    option: list[str], run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run.parent)
    done = CliRunner().invoke(app, [str(run), *option])
    assert done.exit_code == 0
    page = run.parent / "out" / "report.html" if option else run / "report.html"
    assert ("released report" in page.read_text()) == bool(option)
    assert page.parent.name in done.output


@pytest.mark.parametrize(("release", "said"), [("out", "summary.json: not found"), ("full", "something there already")])
def test_the_command_refuses_in_one_line(
    release: str, said: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _write(tmp_path / "full" / "mine.txt", b"mine")
    done = CliRunner().invoke(app, ["full" if release == "out" else str(run), "--release", release])
    assert done.exit_code == 2
    assert said in done.output
    assert done.output.count("\n") == 1
    assert not (tmp_path / "out").exists()
