"""More rounds for a run that has ended: its rows are those of a run that had them from the beginning."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from support.forms import benchmark
from support.running import tiny_table

import fedasr
import fedasr.report
from fedasr.common.errors import UserError
from fedasr.engine.request import requested
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.server.progress import Progress

ROWS: list[dict[str, Any]] = [
    {"name": "central", "strategy": "centralised"},
    {"name": "own", "strategy": "fedavg", "training": {"rounds": 2}},
    {"name": "momentum", "strategy": "fedavgm", "options": {"momentum": 0.5, "nesterov": True}},
    {"name": "falling", "strategy": "fedavgm", "options": {"momentum": 0.5, "server_schedule": "cosine"}},
    {"name": "adam", "strategy": "flwr.serverapp.strategy:FedAdam", "options": {"eta": 0.01}},
    {"name": "gtc", "strategy": "gtc", "options": {"density": 0.02}, "training": {"momentum": 0.5}},
    {"name": "ditto", "strategy": "ditto"},
    {"name": "local", "strategy": "local-only"},
    {"name": "decay", "strategy": "fedavg", "training": {"decay": 0.1}},
    {"name": "child", "strategy": "fedavg", "start": "row:momentum"},
    {"name": "child-of-own", "strategy": "fedavg", "start": "row:own", "training": {"rounds": 2}},
]
every_round_saved = benchmark("damage.making").every_round_saved
GO_ON = {"momentum", "adam", "gtc"}
STAY = {"central", "own", "child-of-own"}


@pytest.fixture(autouse=True)
def _no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of the time of such small runs."""
    monkeypatch.setattr(fedasr.report, "write_page", lambda *_: None)


def run(folder: Path, rounds: int, rows: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    changed = {name: more.pop(name) for name in ("scored", "reproducible_noise") if name in more}
    experiment = Experiment.from_table(tiny_table(compare=rows, training={"rounds": rounds}, **changed))
    return fedasr.run(experiment, grid="process", out=folder, **more).rows


def extended(folder: Path, *settings: str, **more: Any) -> list[dict[str, Any]]:
    wanted = requested(None, None, [], settings, [], folder)
    return fedasr.run(wanted, grid="process", resume=folder, **more).rows


def told(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    keys = ("name", "status", "model_sha256", "rounds", "wer", "uplink_bytes", "downlink_bytes", "note", "failure")
    return [tuple(row[key] for key in keys) for row in rows]


def test_more_rounds_give_the_bits_of_a_run_that_had_them_from_the_beginning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(tmp_path / "short", 2, ROWS)
    with caplog.at_level(logging.WARNING, "fedasr"):
        longer = extended(tmp_path / "short", "training.rounds=4")
    (line,) = [message for message in caplog.messages if message.startswith("more rounds: ")]
    parts = dict(part.split(" ", 1) for part in line.removeprefix("more rounds: ").split("; "))
    assert {name for name, what in parts.items() if what == "goes on"} == GO_ON
    assert parts.keys() == {row["name"] for row in ROWS} - STAY
    assert parts["decay"] == "is trained again from its start (its learning rate falls over the rounds)"
    assert "the row that it begins from" in parts["child"]
    assert told(longer) == told(run(tmp_path / "long", 4, ROWS))
    assert told(extended(tmp_path / "short")) == told(longer)  # as it is now, it is the longer run's


@pytest.mark.parametrize(
    ("scored", "short", "rounds", "goes_on"),
    [("last", 3, 4, True), ("best", 3, 4, True), ("mean", 6, 9, True), ("mean", 6, 7, False)],
)
def test_what_a_row_is_scored_by_is_that_of_the_longer_run(
    scored: str, short: int, rounds: int, goes_on: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A mean over the last third of six rounds has begun when the fifth is saved, and of nine it has not."""
    rows = [ROWS[2]]
    with every_round_saved():
        run(tmp_path / "short", short, rows, scored=scored)
    longer = extended(tmp_path / "short", f"training.rounds={rounds}")
    assert ("momentum goes on" in caplog.text) == goes_on
    assert told(longer) == told(run(tmp_path / "long", rounds, rows, scored=scored))


def test_a_row_alone_is_given_more_rounds(tmp_path: Path) -> None:
    rows = [ROWS[1], ROWS[2]]
    run(tmp_path / "short", 2, rows)
    longer = extended(tmp_path / "short", "compare.own.training.rounds=4")
    assert [row["rounds"] for row in longer] == [4, 2]
    assert told(longer) == told(run(tmp_path / "long", 2, [{**rows[0], "training": {"rounds": 4}}, rows[1]]))


class Stopping(Watcher):
    def __init__(self, row: str, round: int) -> None:
        self.place = (row, round)

    def round(self, progress: Progress) -> None:
        if (progress.row, progress.round) == self.place:
            raise KeyboardInterrupt


@pytest.mark.parametrize("place", [("momentum", 3), ("child", 2)])
def test_an_extension_that_was_interrupted_goes_on(place: tuple[str, int], tmp_path: Path) -> None:
    rows = [ROWS[2], ROWS[8], ROWS[9]]
    run(tmp_path / "short", 2, rows)
    with pytest.raises(KeyboardInterrupt):
        extended(tmp_path / "short", "training.rounds=4", watcher=Stopping(*place))
    assert told(extended(tmp_path / "short")) == told(run(tmp_path / "long", 4, rows))


def test_a_row_that_failed_and_one_whose_checkpoint_is_rotten_end_as_they_would_have(tmp_path: Path) -> None:
    rows = [ROWS[2], ROWS[4]]
    run(tmp_path / "short", 2, rows)
    file = tmp_path / "short" / "momentum" / "checkpoint" / "state.safetensors"
    file.write_bytes(file.read_bytes()[:-40])
    (tmp_path / "short" / "adam" / "checkpoint" / "state.safetensors").unlink()
    assert told(extended(tmp_path / "short", "training.rounds=4")) == told(run(tmp_path / "long", 4, rows))


def test_fewer_rounds_and_other_changes_beside_are_refused(tmp_path: Path) -> None:
    run(tmp_path / "short", 2, [ROWS[2]])
    for settings in (["training.rounds=1"], ["training.rounds=4", "training.learning_rate=0.1"]):
        with pytest.raises(UserError, match=r"another experiment \(training\.rounds is 2 there and [14] here"):
            extended(tmp_path / "short", *settings)


@pytest.mark.parametrize(
    "private",
    [
        {"name": "private", "strategy": "dp-fedavg", "options": {"epsilon": 8.0}, "training": {"silos_per_round": 0}},
        {"name": "private", "strategy": "fedavg", "protection": "clipping", "protection_options": {"clip_norm": 1.0}},
    ],
)
def test_a_protected_row_keeps_its_rounds(private: dict[str, Any], tmp_path: Path) -> None:
    rows = [ROWS[2], private]
    short = run(tmp_path / "short", 2, rows)
    files = {path: path.read_bytes() for path in (tmp_path / "short").rglob("*") if path.is_file()}
    with pytest.raises(UserError) as refused:
        extended(tmp_path / "short", "training.rounds=4")
    (line,) = refused.value.lines
    assert "compare.private: a protected row's number of rounds is part of its guarantee" in line
    assert {path: path.read_bytes() for path in files} == files
    longer = extended(tmp_path / "short", "training.rounds=4", "compare.private.training.rounds=2")
    assert longer[0]["rounds"] == 4
    assert longer[1] == short[1]


def test_a_row_of_an_earlier_version_keeps_its_rounds(tmp_path: Path) -> None:
    run(tmp_path / "short", 2, [ROWS[2]])
    (tmp_path / "short" / "momentum" / "made_of.json").unlink()
    with pytest.raises(UserError, match="an earlier version began the row"):
        extended(tmp_path / "short", "training.rounds=4")
