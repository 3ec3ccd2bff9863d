"""Who is told how a run goes: plain lines, a live display, TensorBoard."""

import io

import pytest
from rich.console import Console

from fedasr.engine.watchers.tensorboard import SCALARS, TensorBoardWatcher, Watchers
from fedasr.engine.watchers.terminal import LiveWatcher, PlainWatcher
from fedasr.engine.watchers.watcher import Watcher
from fedasr.server.progress import Progress

FINISHED = {"name": "fedavg", "status": "finished", "failure": None, "rounds": 2, **dict.fromkeys(SCALARS), "wer": 0.25}
FAILED = FINISHED | {"status": "failed", "failure": "round 2: no silo replied", "wer": None}


def tell(watcher: Watcher, summary: dict) -> None:
    watcher.stage("corpus")
    watcher.prepared(10, 10)
    watcher.begin("fedavg", 1, 1)
    watcher.round(Progress("fedavg", 1, 2, 1.5, 0.5))
    watcher.round(Progress("fedavg", 2, 2, 1.0, 0.25))
    watcher.end(summary)


def test_plain_lines_tell_the_last_round_and_the_result() -> None:
    text = io.StringIO()
    tell(PlainWatcher(Console(file=text), seconds=60), FINISHED)
    lines = text.getvalue().splitlines()
    assert "fedavg 2/2 loss 1.00, development WER 25.0%" in lines
    assert lines[-1] == "fedavg: WER 25.0%"
    assert not any("\x1b" in line for line in lines)


def test_files_a_second_are_told_where_opening_them_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    text, now = io.StringIO(), [0.0]
    watcher = PlainWatcher(Console(file=text), seconds=5)
    monkeypatch.setattr("fedasr.engine.watchers.terminal.time.monotonic", lambda: now[0])
    for now[0], done in ((100.0, 0), (101.0, 100), (110.0, 1000)):
        watcher.opened(done, 2000)
    assert text.getvalue().splitlines() == ["audio files 1000/2000 100 files a second"]


def test_a_failure_is_told_with_its_reason() -> None:
    text = io.StringIO()
    tell(PlainWatcher(Console(file=text)), FAILED)
    assert "fedavg: failed: round 2: no silo replied" in text.getvalue()


def test_a_plain_line_stays_one_however_long_the_path_in_it() -> None:
    text, path = io.StringIO(), f"/{'folder ' * 30}/row.jsonl"
    tell(PlainWatcher(Console(file=text, width=80)), FAILED | {"failure": f"{path}: corrupt"})
    assert f"fedavg: failed: {path}: corrupt" in text.getvalue().splitlines()


def test_the_live_display_shows_rounds_and_error_rate() -> None:
    text = io.StringIO()
    with LiveWatcher(Console(file=text, force_terminal=True, width=140)) as watcher:
        tell(watcher, FINISHED)
    assert "2/2" in text.getvalue()
    assert "WER 25.0%" in text.getvalue()


def test_tensorboard_gets_the_numbers_that_were_told(tmp_path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tell(Watchers([Watcher(), TensorBoardWatcher(tmp_path)]), FINISHED)
    events = EventAccumulator(str(tmp_path / "fedavg"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("development_wer")] == [(1, 0.5), (2, 0.25)]
    assert events.Scalars("result/wer")[0].value == 0.25
