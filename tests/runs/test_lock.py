"""One process works in a run folder; whatever became of an earlier one, the next can go on."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fedasr.common.errors import StoppedError, UserError
from fedasr.experiment.experiment import Experiment
from fedasr.runs.file_names import LOCK
from fedasr.runs.folder import Run
from fedasr.runs.lock import at_work, locked
from fedasr.runs.row_summary import RowSummary

HOLD = """
import sys, subprocess
from pathlib import Path
from fedasr.runs.lock import locked
with locked(Path(sys.argv[1])):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    print(child.pid, flush=True)
    sys.stdin.read()
"""
"""A process that holds a folder and has a child, as a run has Ray's."""


@contextmanager
def another_process(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Hold a folder in a process of its own; yield it and the id of its child."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    child = int(process.stdout.readline())
    try:
        yield process, child
    finally:
        process.kill()
        process.communicate()
        os.kill(child, signal.SIGKILL)


def test_another_process_is_named_and_one_that_is_stopped_holds_it_still(tmp_path: Path) -> None:
    with another_process(tmp_path) as (process, child):
        for number in (signal.SIGSTOP, signal.SIGCONT):
            process.send_signal(number)
            with pytest.raises(UserError) as refused, locked(tmp_path):
                pass
            (line,) = refused.value.lines
            assert f"another process, pid {process.pid} on {socket.gethostname()}, works in this folder" in line
        process.kill()
        process.wait()
        os.kill(child, 0)  # what it started is there still
        with locked(tmp_path):
            pass


@pytest.mark.parametrize("left", [b"", b"{", b"[1]", b'{"pid": 1, "host": "another"}', b"\xff", None])
def test_what_an_earlier_process_left_locks_nothing(left: bytes | None, tmp_path: Path) -> None:
    if left is not None:
        (tmp_path / LOCK).write_bytes(left)
    for _ in range(2):
        with locked(tmp_path):
            pass


@pytest.mark.parametrize("left", [b"", b"{", b"[1]", b"null"])
def test_a_holder_that_cannot_be_read_is_another_process(left: bytes, tmp_path: Path) -> None:
    with locked(tmp_path):
        (tmp_path / LOCK).write_bytes(left)
        with pytest.raises(UserError, match="another process works in this folder"), locked(tmp_path):
            pass


def test_this_process_locks_itself_out_too(tmp_path: Path) -> None:
    with locked(tmp_path):
        with pytest.raises(UserError, match=f"this process, pid {os.getpid()}, works in this folder"), locked(tmp_path):
            pass
        with pytest.raises(UserError, match="this process"), locked(tmp_path):  # the refusal has not let it go
            pass


def test_a_failure_lets_it_go(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path):
        raise ZeroDivisionError
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_without_locks_is_told(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def without(file: object, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", without)
    with caplog.at_level(logging.WARNING), locked(tmp_path):
        pass
    (told,) = caplog.messages
    assert str(tmp_path) in told
    assert "no locks" in told


def test_a_folder_that_cannot_be_written_to_is_one_line(tmp_path: Path) -> None:
    (tmp_path / LOCK).mkdir()
    with pytest.raises(UserError, match="cannot be written"), locked(tmp_path):
        pass


def test_an_interruption_says_how_to_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "my run"
    folder.mkdir()
    with pytest.raises(KeyboardInterrupt) as interrupted, at_work(folder):
        raise KeyboardInterrupt
    assert interrupted.value.__notes__ == [f"python -m fedasr.simulate --resume '{folder}'"]


def test_of_a_draw_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "draw-1").mkdir()
    with pytest.raises(ZeroDivisionError) as crash, at_work(tmp_path), at_work(tmp_path / "draw-1"):
        raise ZeroDivisionError
    assert crash.value.__notes__ == [f"python -m fedasr.simulate --resume {tmp_path}"]


def test_a_refusal_has_no_way_to_go_on_and_a_stop_has(tmp_path: Path) -> None:
    for error, notes in ((UserError("wrong"), 0), (StoppedError("full"), 1)):
        with pytest.raises(UserError) as told, at_work(tmp_path):
            raise error
        assert len(getattr(told.value, "__notes__", [])) == notes


def test_of_two_that_begin_in_one_folder_at_once_one_does(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second looked while the folder was free, and comes when the first is in it, or has been."""
    path = tmp_path / "run"
    with monkeypatch.context() as patch:
        path.mkdir()
        patch.setattr(Path, "iterdir", lambda folder: iter(()))
        with locked(path), pytest.raises(UserError, match="works in this folder"):
            Run.create(tiny, path)
    Run.create(tiny, path)
    before = (path / "experiment.toml").read_bytes()
    with pytest.raises(UserError, match="not empty"):
        Run.create(tiny.only(name="another"), path)
    assert (path / "experiment.toml").read_bytes() == before


def test_a_folder_that_only_was_locked_is_free(tiny: Experiment, tmp_path: Path) -> None:
    with locked(tmp_path):
        pass
    assert Run.create(tiny, tmp_path).path == tmp_path


def test_a_folder_at_work_is_read_but_not_amended(tiny: Experiment, tmp_path: Path) -> None:
    run, (row, seed) = Run.create(tiny, tmp_path / "run"), tiny.rows()[0]
    run.row(row, seed).finish(RowSummary(row.name, "finished", row.name, row.name))
    with locked(run.path):
        assert Run.open(run.path).row(row, seed).finished() is not None
        with pytest.raises(UserError, match="works in this folder"):
            run.amend(row, seed, wer=0.5)
