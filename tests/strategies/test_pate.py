"""PATE from teachers to student: what is promised, and that it repeats."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tomli_w
from fedasr.strategies.pate import PATE
from fedasr.strategies.pate_settings import PATESettings
from support.ballots import TOKENS, ballot
from support.running import Finished, tiny_table
from support.tolerance import of_a_deviation

import fedasr
from fedasr.common.errors import UserError
from fedasr.common.files import read_json, read_lines
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.experiment.training import TrainingSpec
from fedasr.messages.votes import Question
from fedasr.privacy.mechanisms.gaussian import NoisyMean
from fedasr.privacy.noise import ReproducibleNoise
from fedasr.server.strategies_by_name import build_strategy
from fedasr.voting.posteriors import noisy_steps

PATE_PATH = "fedasr.strategies.pate:PATE"
ROWS: list[dict[str, Any]] = [
    {"name": "label", "options": {"epsilon": 1e3, "noise": 1.0, "chunk": 4}},
    {"name": "confident", "options": {"epsilon": 40.0, "mechanism": "confident-gnmax", "votes": "frame"}},
    {"name": "utterance", "options": {"mechanism": "lnmax", "votes": "utterance", "candidates": 3, "chunk": 2}},
    {"name": "mean", "options": {"epsilon": 30.0, "mechanism": "noisy-mean", "noise_at": "teacher",
                                 "server_sees": "mean", "utterances": 2, "maximum_labels": 3,
                                 "adjacency": "add-remove"}},
    {"name": "weighted", "options": {"epsilon": 30.0, "weighting": "utterances", "teacher_start": "scratch"}},
]  # fmt: skip


def _experiment(*names: str, **changes: Any) -> Experiment:
    rows = [{**row, "strategy": PATE_PATH, "options": {"teacher_steps": 2, **row["options"]}} for row in ROWS]
    table = tiny_table(
        corpus={"speakers": 11, "unlabelled_speakers": 2}, compare=[r for r in rows if r["name"] in names],
        central={"epochs": 2}, **changes,
    )  # fmt: skip
    return Experiment.from_table(table)


ALL = [row["name"] for row in ROWS]
Summaries = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, _surroundings: None) -> tuple[Path, Summaries]:
    folder = tmp_path_factory.mktemp("pate") / "process"
    rows = fedasr.run(_experiment(*ALL, reproducible_noise=True), grid="process", out=folder).rows
    return folder, {row["name"]: row for row in rows}


def test_the_summary_says_what_is_promised(process: tuple[Path, Summaries]) -> None:
    folder, rows = process
    for name, row in rows.items():
        assert (row["status"], row["privacy_unit"], row["delta"]) == ("finished", "silo", 1e-5), row["failure"]
        assert row["adjacency"] == ("add-remove" if name == "mean" else "replace-one")
        assert row["epsilon_kind"] == "void", "reproducible noise promises nothing"
        limit = {"label": 1e3, "confident": 40.0, "utterance": 8.0, "mean": 31.0, "weighted": 30.0}[name]
        assert 0 < row["epsilon_if_secure"] <= limit
        told = json.loads((folder / name / "privacy.json").read_text())
        for found in (row, told):
            assert (found["epsilon"], found["epsilon_spent"], found["epsilon_bound"]) == (None, None, None)
        assert told["epsilon_if_secure"] == row["epsilon_if_secure"]
    assert len({row["model_sha256"] for row in rows.values()}) == len(rows)


def test_votes_are_charged_one_by_one(process: tuple[Path, Summaries]) -> None:
    folder, rows = process
    for name in rows:
        seen = json.loads((folder / name / "votes.json").read_text())
        ledger = read_lines(folder / name / "releases" / "ledger.jsonl")
        counts = [r["count"] for r in ledger if r["mechanism"]["kind"] != "threshold"]
        assert sum(counts) == seen["votes"] - seen["abstained"] > 0
        if name == "confident":
            assert sum(r["count"] for r in ledger if r["mechanism"]["kind"] == "threshold") == seen["votes"]
    votes = np.load(folder / "label" / "votes.npy")
    assert set(votes.sum(1)) == {4}, "four silos, a vote each"
    assert not (folder / "weighted" / "votes.npy").exists(), "weighted votes are no whole numbers"


def test_rounds_are_teachers_votes_and_epochs_and_the_bytes_stand_where_they_were_sent(
    process: tuple[Path, Summaries],
) -> None:
    folder, rows = process
    for name in rows:
        lines = read_lines(folder / name / "metrics.jsonl")
        assert [line["round"] for line in lines] == [1, 2, 3, 4]
        assert [line["uplink_bytes"] > 0 for line in lines] == [True, True, False, False]
        traffic = read_lines(folder / name / "traffic.jsonl")
        assert {message["kind"].split(".")[0] for message in traffic if message["round"] == 1} == {"train"}
        assert {message["kind"].split(".")[0] for message in traffic if message["round"] == 2} == {"query"}


def test_two_workers_give_the_bits_of_one_process(process: tuple[Path, Summaries], tmp_path: Path) -> None:
    folder, expected = process
    found = fedasr.run(_experiment("label", "mean", reproducible_noise=True), workers=2, out=tmp_path / "ray").rows
    for row in found:
        for key in ("model_sha256", "epsilon", "wer", "uplink_bytes", "downlink_bytes"):
            assert row[key] == expected[row["name"]][key], (row["name"], key)
        for path in (folder / row["name"] / "releases").iterdir():
            assert path.read_bytes() == (tmp_path / "ray" / row["name"] / "releases" / path.name).read_bytes()
    shared = read_json(tmp_path / "ray" / "shared.json")["shared"]
    assert {"name": "teacher", "count": 4, "rows": ["label", "mean"]} in shared, "whichever process trained them"


def _killed_while_voting(folder: Path, file: Path) -> dict[str, bytes]:
    """Start a run, kill it when some answers are stored, and return them."""
    line = [sys.executable, "-m", "fedasr.simulate", str(file), "--out", str(folder), "--grid", "process"]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    try:
        while len(list(folder.glob("label/releases/votes*"))) < 5:
            assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
            time.sleep(0.005)
    finally:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        psutil.wait_procs(family, timeout=20)
    assert not (folder / "label" / "row.jsonl").exists()
    assert len(read_lines(folder / "label" / "metrics.jsonl")) == 1, "it was still voting"
    return {path.name: path.read_bytes() for path in folder.glob("label/releases/votes*")}


def test_a_vote_that_was_killed_goes_on_and_pays_nothing_twice(
    run_command: Callable[..., Finished], tmp_path: Path
) -> None:
    file, folder = tmp_path / "pate.toml", tmp_path / "run"
    table = tiny_table(
        corpus={"speakers": 11, "unlabelled_speakers": 2},
        compare=[{"name": "label", "strategy": PATE_PATH, "options": {
            "epsilon": 5e3, "noise": 1.0, "chunk": 1, "teacher_steps": 1, "utterances": 4,
        }}],
    )  # fmt: skip
    file.write_text(tomli_w.dumps(table))
    before = _killed_while_voting(folder, file)
    finished = run_command("fedasr.simulate", "--resume", folder, "--grid", "process", "--json")
    assert finished.code == 0, finished.err
    (row,) = json.loads(finished.out)["rows"]
    after = {path.name: path.read_bytes() for path in folder.glob("label/releases/votes*")}
    assert before.items() <= after.items()
    assert len(after) > len(before)
    written = json.loads((folder / "label" / "privacy.json").read_text())
    seen = json.loads((folder / "label" / "votes.json").read_text())
    assert row["epsilon"] == written["epsilon"]
    assert row["epsilon_kind"] == "data-independent"
    assert sum(release["count"] for release in written["ledger"]) == seen["votes"] == len(after)
    assert len(np.load(folder / "label" / "votes.npy")) == seen["votes"], "those before the crash among them"
    traffic = read_lines(folder / "label" / "traffic.jsonl")
    assert sum(message["direction"] == "up" and message["round"] == 2 for message in traffic) == 4 * seen["votes"]


class _StoppedError(BaseException):
    pass


@pytest.mark.parametrize("stop", [2, 3, 4])
def test_a_row_that_stops_anywhere_goes_on_to_the_same_bits(
    process: tuple[Path, Summaries], tmp_path: Path, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_round = fedasr.server.central.Central.after_round

    def stopping(self: Any, round: int, *others: Any, **more: Any) -> None:
        after_round(self, round, *others, **more)
        if round == stop:
            raise _StoppedError

    experiment = _experiment("mean", reproducible_noise=True)
    with monkeypatch.context() as patch:
        patch.setattr(fedasr.server.central.Central, "after_round", stopping)
        with pytest.raises(_StoppedError):
            fedasr.run(experiment, grid="process", out=tmp_path / "run")
    (row,) = fedasr.run(experiment, grid="process", resume=tmp_path / "run").rows
    for key in ("model_sha256", "epsilon", "wer", "rounds", "uplink_bytes", "downlink_bytes", "simulated_seconds"):
        assert row[key] == process[1]["mean"][key], key


def test_a_mean_has_the_noise_that_is_charged_though_a_silo_has_no_teacher(tmp_path: Path) -> None:
    strategy = PATE(PATESettings(mechanism="noisy-mean", noise_at="teacher"))
    strategy.sizes = [3, 3, 0, 3, 3]
    noise, asked = ReproducibleNoise(4), Question(np.zeros(2000, np.int32), np.zeros((2000, 0), np.int32))

    def ask(kind: str, question: Question) -> list[Any]:
        each = [noisy_steps(np.zeros((2000, TOKENS)), question.sigma, noise) for _ in range(4)]
        return [*each[:2], None, *each[2:]]

    votes = ballot(tmp_path, NoisyMean(0.2, 5), ask, 1e9, 5, noisy_teachers=4)
    votes.means("votes", replace(asked, sigma=strategy._sigma_at_teacher(votes)), TOKENS)
    stored = votes.releases.stored("votes")
    assert stored is not None
    assert np.std(stored["means"]) == pytest.approx(0.2, rel=of_a_deviation(stored["means"].size))


def test_a_budget_that_pays_nothing_leaves_public_speech_alone(tmp_path: Path) -> None:
    table = tiny_table(
        corpus={"speakers": 10, "unlabelled_speakers": 1},
        compare=[
            {"name": "poor", "strategy": PATE_PATH, "options": {"epsilon": 0.1, "noise": 0.01, "teacher_steps": 1}}
        ],
    )
    (row,) = fedasr.run(Experiment.from_table(table), grid="process", out=tmp_path / "run").rows
    assert row["status"] == "finished"
    assert (row["epsilon"], row["epsilon_kind"]) == (None, None)
    seen = json.loads((tmp_path / "run" / "poor" / "votes.json").read_text())
    assert (seen["votes"], seen["transcribed"]) == (0, 0)
    assert not (tmp_path / "run" / "poor" / "releases").exists()


def test_a_row_that_fails_after_its_votes_says_what_they_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*anything: Any, **others: Any) -> None:
        raise RuntimeError("no student came")

    monkeypatch.setattr(fedasr.server.central.Central, "trainer", failing)
    (row,) = fedasr.run(_experiment("utterance"), grid="process", out=tmp_path / "run").rows
    assert row["status"] == "failed"
    assert "no student came" in row["failure"]
    assert 0 < row["epsilon"] <= 8.0
    assert row["privacy_unit"] == "silo"


@pytest.mark.parametrize(
    "options", [{"mechanism": "gmax"}, {"votes": "words"}, {"noise_at": "teacher"}, {"epsilon": 0.0}, {"delta": 0.0},
                {"mechanism": "noisy-mean", "votes": "frame"}, {"epsilon": float("inf")}, {"noise": -1.0},
                {"noise": float("nan")}, {"threshold": float("nan")}, {"check_ratio": 0.0}, {"chunk": 0},
                {"utterances": -1}, {"maximum_labels": -1}, {"evaluate_every": 0}, {"adjacency": "next"},
                {"weighting": "loudness"}, {"teacher_start": "private"}, {"teacher_steps": 0}, {"threshold": 0.6},
                {"check_ratio": 2.0}, {"beam": 4}, {"candidates": 4}, {"votes": "frame", "maximum_labels": 4}]
)  # fmt: skip
def test_what_it_refuses(options: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        build_strategy(RowSpec("r", PATE_PATH, options=options), TrainingSpec(), 4)
