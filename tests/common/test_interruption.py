"""Signals that end a process on the spot are raised instead, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from fedasr.common.console import exits
from fedasr.common.interruption import SIGNALS, Ended, endings_raised, exit_code, handlers_kept


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_is_raised_and_has_the_exit_code_of_a_shell(number: int, code: int) -> None:
    with pytest.raises(KeyboardInterrupt) as ended, endings_raised():
        send(number)
    assert exit_code(ended.value) == code
    assert signal.getsignal(number) is signal.SIG_DFL


def test_an_interruption_by_hand_is_130() -> None:
    assert exit_code(KeyboardInterrupt()) == 130


def test_what_clears_up_is_not_disturbed_by_another() -> None:
    cleared = []

    def work() -> None:
        try:
            send(signal.SIGTERM)
        finally:
            for number in SIGNALS:
                send(number)
            cleared.append(True)

    with pytest.raises(Ended), endings_raised():
        work()
    assert cleared


def test_a_library_that_forgets_which_signal_it_was_is_reminded() -> None:
    def work() -> None:
        try:
            send(signal.SIGTERM)
        except KeyboardInterrupt:
            interruption = KeyboardInterrupt()
            interruption.add_note("do this")
            raise interruption from None

    with pytest.raises(Ended) as ended, endings_raised():
        work()
    assert exit_code(ended.value) == 143
    assert ended.value.__notes__ == ["do this"]


def test_what_is_ignored_or_answered_already_is_left_as_it_is() -> None:
    seen = []
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
    signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    with endings_raised():
        send(signal.SIGHUP)
        send(signal.SIGTERM)
    assert seen == [signal.SIGTERM]


def test_another_thread_than_the_first_is_left_as_it_is() -> None:
    def work() -> None:
        with endings_raised(), handlers_kept():
            done.append(signal.getsignal(signal.SIGTERM))

    done: list[object] = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [signal.SIG_DFL]


def test_a_library_that_takes_a_handler_does_not_keep_it_and_its_exit_is_an_interruption() -> None:
    def theirs(number: int, frame: object) -> None:
        sys.exit(number)

    def work() -> None:
        ours = signal.getsignal(signal.SIGTERM)
        with handlers_kept():
            signal.signal(signal.SIGTERM, theirs)
        assert signal.getsignal(signal.SIGTERM) is ours
        with handlers_kept():
            signal.signal(signal.SIGTERM, theirs)
            send(signal.SIGTERM)

    with pytest.raises(Ended) as ended, endings_raised():
        work()
    assert ended.value.number == signal.SIGTERM


@pytest.mark.parametrize(
    ("raised", "line", "code"),
    [("KeyboardInterrupt()", "interrupted", 130), ("Ended(15)", "interrupted; go on with\ndo this", 143)],
)
def test_a_command_ends_in_one_line(raised: str, line: str, code: int, capfd: pytest.CaptureFixture[str]) -> None:
    @exits
    def command() -> None:
        error = eval(raised)
        if "do this" in line:
            error.add_note("do this")
        raise error

    with pytest.raises(SystemExit) as exit_:
        command()
    assert exit_.value.code == code
    assert capfd.readouterr().err == f"{line}\n"


def test_a_process_that_is_told_to_end_says_so() -> None:
    program = """
import time
from fedasr.common.console import exits
@exits
def command():
    print("here", flush=True)
    time.sleep(60)
command()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (143, "interrupted\n")
