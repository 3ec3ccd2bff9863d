"""Whole runs: what a user types and what comes out."""

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import RecordDict
from rich.console import Console
from support.running import Finished, Simulated, tiny_table

import fedasr
import fedasr.silo.app
from fedasr.asr.recogniser import digest
from fedasr.engine.watchers.terminal import PlainWatcher
from fedasr.experiment.experiment import Experiment
from fedasr.messages.train_reply import TrainReply
from fedasr.messages.train_request import TrainRequest
from fedasr.runs.folder import Run
from fedasr.runs.model_file import load_model
from fedasr.silo.host import SiloHost
from fedasr.silo.silo import Silo
from fedasr.silo.train import train

GRIDS = [("--grid", "process"), ("--workers", "2")]
KEYS = {
    "name", "strategy", "objective", "protection", "codec", "network", "seed", "wer", "wer_low", "wer_high",
    "cer", "epsilon", "delta", "privacy_unit", "adjacency", "epsilon_kind", "epsilon_empirical",
    "uplink_bytes", "downlink_bytes", "rounds", "silos", "simulated_seconds", "wall_seconds",
    "peak_memory_bytes", "model_sha256",
}  # fmt: skip
"""What every row of ``summary.json`` has, by contract."""


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("options", GRIDS, ids=" ".join)
def test_standard_output_is_the_summary_and_nothing_else(
    options: tuple[str, ...], simulated: Callable[..., Simulated]
) -> None:
    run = simulated(*options)
    assert run.finished.out == (run.folder / "summary.json").read_text()
    assert set(run.summary) == {
        "experiment",
        "seed",
        "scored",
        "version",
        "rows",
        "together",
        "crossed",
        "files",
        "seal",
    }
    assert run.summary["version"] == fedasr.__version__
    for row in run.summary["rows"]:
        assert row.keys() >= KEYS
        assert row["status"] == "finished"
        assert 0 <= row["wer_low"] <= row["wer"] <= row["wer_high"]
        assert row["epsilon"] is None
        assert row["silos"] == 4
        assert row["peak_memory_bytes"] > 1e8


def test_progress_is_told_in_plain_lines(simulated: Callable[..., Simulated]) -> None:
    told = simulated("--grid", "process").finished.err
    for part in ("corpus", "start: 6 labelled public utterances", "fedavg: row 2 of 7", "fedavg 8/8", "adam: WER"):
        assert part in told
    assert "\x1b" not in told


def test_a_stage_without_lines_of_its_own_is_told_with_the_next(capfd: pytest.CaptureFixture[str]) -> None:
    watcher = PlainWatcher(Console(stderr=True))
    watcher.stage("corpus")
    assert capfd.readouterr().err == ""
    watcher.stage("start: 6 utterances")
    watcher.prepared(3, 3)
    assert capfd.readouterr().err.splitlines() == ["corpus", "start: 6 utterances", "features 3/3"]


@pytest.mark.parametrize("options", GRIDS, ids=" ".join)
def test_the_folder_holds_what_the_contract_says(
    options: tuple[str, ...], simulated: Callable[..., Simulated], longer_file: Path
) -> None:
    run = simulated(*options)
    assert Run.open(run.folder).experiment == Experiment.load(longer_file)
    assert json.loads((run.folder / "environment.json").read_text())["fedasr"] == fedasr.__version__
    partition = json.loads((run.folder / "partition.json").read_text())
    assert len(partition["silos"]) == 4
    page = (run.folder / "report.html").read_text()
    for row in run.summary["rows"]:
        assert row["name"] in page
        assert (run.folder / row["folder"]).is_dir()
    assert not list(run.folder.rglob("*.pkl")) + list(run.folder.rglob(".*-*"))


def test_no_speaker_is_in_two_parts(simulated: Callable[..., Simulated]) -> None:
    partition = json.loads((simulated("--grid", "process").folder / "partition.json").read_text())
    parts = [silo["speakers"] for silo in partition["silos"]]
    parts += [partition[name]["speakers"] for name in ("public_labelled", "public_unlabelled", "development", "test")]
    speakers = [speaker for part in parts for speaker in part]
    assert len(speakers) == len(set(speakers)) == 9


def test_the_model_is_the_one_the_summary_names(simulated: Callable[..., Simulated]) -> None:
    run = simulated("--grid", "process")
    for row in run.summary["rows"]:
        if row["name"] != "local-only":
            assert digest(load_model(run.folder / row["folder"]).weights()) == row["model_sha256"]
    assert not (run.folder / "local-only" / "model.safetensors").exists()
    starts = list((run.folder / "start").glob("*.safetensors"))
    assert [digest(load_model(path).weights()) for path in starts] == [run.digests["public-only"]]


def test_every_round_is_logged_and_its_bytes_add_up(simulated: Callable[..., Simulated]) -> None:
    run = simulated("--grid", "process")
    for row in run.summary["rows"]:
        metrics = _lines(run.folder / row["folder"] / "metrics.jsonl")
        traffic = _lines(run.folder / row["folder"] / "traffic.jsonl")
        for key, direction in (("uplink_bytes", "up"), ("downlink_bytes", "down")):
            sizes = [t["blob_bytes"] + t["envelope_bytes"] for t in traffic if t["direction"] == direction]
            assert row[key] == sum(line[key] for line in metrics) == sum(sizes)
        assert row["rounds"] == metrics[-1]["round"]
    fedavg = _lines(run.folder / "fedavg" / "metrics.jsonl")
    assert [line["round"] for line in fedavg] == list(range(9))
    assert fedavg[0]["silos"] == 0
    assert {line["silos"] for line in fedavg[1:]} == {3}
    traffic = _lines(run.folder / "fedavg" / "traffic.jsonl")
    model = (run.folder / "fedavg" / "model.safetensors").stat().st_size
    assert len(traffic) == 2 * 3 * 8
    (whole,) = {line["blob_bytes"] for line in traffic if line["direction"] == "up"}
    assert 0.8 * model < whole < model
    downward = {line["blob_bytes"] for line in traffic if line["direction"] == "down"}
    assert max(downward) == whole, "downward what has not changed may be left out"
    assert min(downward) > 0.9 * whole
    drawn = [{t["silo"] for t in traffic if t["round"] == round} for round in range(1, 9)]
    assert all(len(silos) == 3 for silos in drawn)
    assert len(set(map(frozenset, drawn))) > 1


def test_hypotheses_are_of_the_test_speakers(simulated: Callable[..., Simulated]) -> None:
    run = simulated("--grid", "process")
    test = json.loads((run.folder / "partition.json").read_text())["test"]["speakers"]
    for row in ("public-only", "fedavg", "centralised", "adam"):
        heard = _lines(run.folder / row / "hypotheses.jsonl")
        assert sorted({line["speaker"] for line in heard}) == test
        assert len(heard) == 6


def test_what_stays_in_the_silos_does_not_travel(simulated: Callable[..., Simulated]) -> None:
    run = simulated("--grid", "process")
    rows = {row["name"]: row for row in run.summary["rows"]}
    assert rows["public-only"]["uplink_bytes"] == rows["public-only"]["downlink_bytes"] == 0
    assert rows["local-only"]["uplink_bytes"] < 10_000
    low, high = rows["local-only"]["wer_spread"]
    assert low <= rows["local-only"]["wer"] <= high
    assert rows["centralised"]["uplink_bytes"] > 10_000


# In this process, quicker


def _run(path: Path, **changes: Any) -> fedasr.Result:
    return fedasr.run(Experiment.from_table(tiny_table(**changes)), grid="process", out=path)


def test_a_row_that_was_logged_and_not_scored_is_logged_once(
    simulated: Callable[..., Simulated], tmp_path: Path
) -> None:
    before = simulated("--grid", "process")
    folder = tmp_path / "run"
    shutil.copytree(before.folder, folder)
    for row in before.summary["rows"]:
        (folder / row["folder"] / "row.jsonl").unlink()
        with (folder / row["folder"] / "metrics.jsonl").open("a") as file:
            file.write('{"round": 3, "train_lo')  # torn in the middle of a line
    again = fedasr.run(Run.open(folder).experiment, grid="process", resume=folder)
    for mine, theirs in zip(again.rows, before.summary["rows"], strict=True):
        for key in ("model_sha256", "wer", "uplink_bytes", "downlink_bytes", "rounds"):
            assert mine[key] == theirs[key], (mine["name"], key)
        rounds = [line["round"] for line in _lines(folder / mine["folder"] / "metrics.jsonl")]
        assert rounds == [line["round"] for line in _lines(before.folder / mine["folder"] / "metrics.jsonl")]


@pytest.fixture
def spoilt_silo(monkeypatch: pytest.MonkeyPatch) -> Callable[[set[int]], None]:
    """Let some silos return what is not a number."""

    def spoil(silos: set[int]) -> None:
        def spoilt(host: SiloHost, silo: Silo, request: TrainRequest, state: RecordDict) -> TrainReply:
            reply = train(host, silo, request, state)
            if silo.number not in silos:
                return reply
            weights = {name: np.full_like(array, np.nan) for name, array in reply.arrays.items()}
            return replace(reply, arrays=weights)

        monkeypatch.setattr(fedasr.silo.app, "train", spoilt)

    return spoil


def test_a_silo_that_returns_nan_is_refused_named_and_counted(
    spoilt_silo: Callable[[set[int]], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spoilt_silo({1})
    with caplog.at_level(logging.WARNING, "fedasr"):
        result = _run(tmp_path / "run", training={"silos_per_round": 0})
    assert not result.failed
    (fedavg,) = [row for row in result.rows if row["name"] == "fedavg"]
    assert fedavg["refused_replies"] == 2
    assert load_model(tmp_path / "run" / "fedavg")
    assert [line["refused"] for line in _lines(tmp_path / "run" / "fedavg" / "metrics.jsonl")] == [[], [1], [1]]
    assert [line["silos"] for line in _lines(tmp_path / "run" / "fedavg" / "metrics.jsonl")] == [0, 3, 3]
    assert "silo 1" in caplog.text
    assert "not finite" in caplog.text
    assert "refused" in (tmp_path / "run" / "report.html").read_text()


def test_too_few_silos_end_a_row_and_the_others_go_on(spoilt_silo: Callable[[set[int]], None], tmp_path: Path) -> None:
    spoilt_silo({0, 1, 2})
    compare = [{"name": "fedavg", "strategy": "fedavg"}, {"name": "public-only", "strategy": "public-only"}]
    result = _run(tmp_path / "run", training={"silos_per_round": 0}, compare=compare)
    assert [row["status"] for row in result.rows] == ["failed", "finished"]
    assert "only 1 of 4 silos replied" in result.rows[0]["failure"]
    assert result.rows[0]["wer"] is None
    assert result.failed
    assert "only 1 of 4 silos replied" in (tmp_path / "run" / "report.html").read_text()


def test_a_failed_row_is_tried_again_on_resume(
    spoilt_silo: Callable[[set[int]], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt_silo({0, 1, 2, 3})
    assert _run(tmp_path / "run").failed
    monkeypatch.undo()
    again = fedasr.run(Run.open(tmp_path / "run").experiment, grid="process", resume=tmp_path / "run")
    assert not again.failed


def test_failures_give_exit_code_1_through_the_command_line(
    run_command: Callable[..., Finished], write_toml: Callable[..., Path], tmp_path: Path
) -> None:
    """A learning rate at which every silo's weights overflow ends its row alone."""
    path = write_toml(compare=[
        {"name": "wild", "strategy": "fedavg", "training": {"learning_rate": 1e38, "local_steps": 3}},
        {"name": "public-only", "strategy": "public-only"},
    ])  # fmt: skip
    finished = run_command("fedasr.simulate", path, "--grid", "process", "--out", tmp_path / "run")
    assert finished.code == 1
    assert "Traceback" not in finished.err
    assert "wild" in finished.out
    assert "not finite" in finished.err
    rows = json.loads((tmp_path / "run" / "summary.json").read_text())["rows"]
    assert [row["status"] for row in rows] == ["failed", "finished"]


def test_without_test_speakers_there_is_no_wer(tmp_path: Path) -> None:
    result = _run(tmp_path / "run", corpus={"test_speakers": 0, "development_speakers": 0})
    assert not result.failed
    for row in result.rows:
        assert row["wer"] is None
        assert row["development_wer"] is None
        assert row["model_sha256"]


def test_several_seeds_are_several_rows(tmp_path: Path) -> None:
    result = _run(tmp_path / "run", seeds=[5, 6], training={"rounds": 1})
    assert [(row["name"], row["seed"], row["folder"]) for row in result.rows] == [
        ("public-only", 5, "public-only@5"), ("public-only", 6, "public-only@6"),
        ("fedavg", 5, "fedavg@5"), ("fedavg", 6, "fedavg@6"),
    ]  # fmt: skip
    assert len({row["model_sha256"] for row in result.rows}) == 4


def test_the_order_of_rows_and_their_company_do_not_matter(tmp_path: Path) -> None:
    compare = tiny_table()["compare"]
    together = {row["name"]: row["model_sha256"] for row in _run(tmp_path / "a").rows}
    turned = {row["name"]: row["model_sha256"] for row in _run(tmp_path / "b", compare=compare[::-1]).rows}
    assert turned == together


@pytest.mark.parametrize(
    "changes",
    [
        {"model": {"encoder": "conformer", "heads": 2, "kernel": 3}},
        {"model": {"encoder": "lstm", "head": "transducer", "predictor_units": 8}},
        {"model": {"encoder": "lstm", "subsampling": "convolutional"}},
        {"model": {"head": "joint", "predictor_units": 8, "tokens": "words"}},
        {"model": {"tokens": "pieces", "pieces": 24}},
        {"model": {"start": "scratch", "sample_rate_hz": 8000, "mels": 24}},
        {"corpus": {"partition": "grouped", "silos": 2}},
        {"corpus": {"partition": "iid", "silos": 3}},
        {"corpus": {"partition": "dirichlet", "silos": 2}},
        {"corpus": {"public_labelled": 0.5}},
        {"corpus": {"grammar": "commands", "connected": True}},
        {"training": {"batch_seconds": 3.0, "batch_size": 8}},
        {"training": {"optimizer": "adamw", "learning_rate": 1e-3, "decay": 0.1}},
    ],
    ids=str,
)
def test_every_choice_runs(changes: dict[str, Any], tmp_path: Path) -> None:
    changes = {**changes, "training": {"rounds": 1, "silos_per_round": 0, **changes.get("training", {})}}
    result = _run(tmp_path / "run", **changes, compare=[{"name": "fedavg", "strategy": "fedavg"}])
    assert not result.failed
    assert result.rows[0]["wer"] is not None


FLOWERS = ["FedMedian", "FedAvgM", "FedAdagrad", "FedYogi", "FedTrimmedAvg", "Krum", "FedProx"]


@pytest.mark.parametrize("strategy", FLOWERS)
def test_flowers_strategies_run_by_import_path(strategy: str, tmp_path: Path) -> None:
    options = {"proximal_mu": 0.1} if strategy == "FedProx" else {}
    row = {"name": strategy, "strategy": f"flwr.serverapp.strategy:{strategy}", "options": options}
    result = _run(tmp_path / "run", compare=[row], training={"silos_per_round": 0})
    assert not result.failed, result.rows[0]["failure"]
    assert result.rows[0]["rounds"] == 2


def test_the_list_names_experiments_and_strategies(run_command: Callable[..., Finished]) -> None:
    finished = run_command("fedasr.simulate", "--list")
    assert finished.code == 0
    for name in ("quickstart", "an4", "centralised", "local-only", "public-only", "fedavg"):
        assert name in finished.out


def test_the_table_is_plain_where_there_is_no_terminal(
    run_command: Callable[..., Finished], write_toml: Callable[..., Path], tmp_path: Path
) -> None:
    path = write_toml()
    finished = run_command("fedasr.simulate", path, "--grid", "process", "--strategy", "public-only", cwd=tmp_path)
    assert finished.code == 0, finished.err
    assert "public-only" in finished.out
    assert "fedavg" not in finished.out
    assert "\x1b" not in finished.out
    assert (tmp_path / "runs" / "tiny-1" / "report.html").exists()


def test_a_result_shows_itself_in_a_notebook(tmp_path: Path) -> None:
    result = _run(tmp_path / "run", training={"rounds": 1})
    assert "fedavg" in result._repr_html_()
    assert result.figures()
