"""What is done with a run in this process: resumed, evaluated, rendered, replayed."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

SECONDS = 120
"""What takes longer hangs."""
NETWORK, WORKERS = "cloud-2015", (2, 4)
DURATIONS = ("wall_seconds", "training_cpu_seconds", "simulated_seconds", "peak_memory_bytes", "version")


def in_process(place: Path, act: str, told: list[str]) -> Any:
    """Do it; return the result, None where it is refused, and add to what was told."""
    from fedasr.common.errors import RowError, UserError

    with listening(told):
        try:
            return ACTS[act](place, told)
        except (UserError, RowError) as error:
            told += str(error).splitlines()
            return None


def resume(place: Path, told: list[str]) -> Any:
    import fedasr
    from fedasr.engine.request import requested

    folder = place / "run"
    rows = fedasr.run(requested(None, None, [], [], [], folder), resume=folder, grid="process").rows
    told += [row["failure"] for row in rows if row["failure"]]
    return {"rows": plain(rows), "report": report(place, told)}


def evaluate(place: Path, told: list[str]) -> Any:
    import fedasr

    return [fedasr.evaluate(place / "run" / name) for name in ("gtc", "dp")]


def evaluate_apart(place: Path, told: list[str]) -> Any:
    import fedasr

    models = (place / "model" / "model.safetensors", place / "run" / "fedavg")
    return [fedasr.evaluate(model, place / "corpus" / "manifest.jsonl") for model in models]


def report(place: Path, told: list[str]) -> Any:
    from fedasr.report import read_run

    found = read_run(place / "run")
    told += found.remarks
    return plain({**asdict(found), "remarks": ()})


def replay(place: Path, told: list[str]) -> Any:
    from fedasr.network.presets import build_network
    from fedasr.runs.replayed import retiming

    return plain(asdict(retiming.replay(place / "run", retiming.Scenario(build_network(NETWORK), WORKERS))))


ACTS: dict[str, Callable[[Path, list[str]], Any]] = {
    "resume": resume, "evaluate": evaluate, "evaluate apart": evaluate_apart, "report": report, "replay": replay,
}  # fmt: skip


def plain(data: Any) -> Any:
    """Return data without what the clock and the machine have a part in."""
    if isinstance(data, dict):
        return {str(key): plain(value) for key, value in data.items() if key not in DURATIONS}
    return [plain(value) for value in data] if isinstance(data, (list, tuple)) else data


@contextmanager
def listening(told: list[str]) -> Iterator[None]:
    """Take down what the log says, and let nothing take longer than it may."""

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    def late(number: int, frame: Any) -> None:
        raise TimeoutError(f"took longer than {SECONDS} s")

    log, listener = logging.getLogger("fedasr"), Listener(logging.WARNING)
    log.addHandler(listener)
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        log.removeHandler(listener)


def pages_left_out() -> None:
    """Let runs write no page: what it is made of is read all the same."""
    import fedasr.report

    fedasr.report.write_page = lambda folder, release=False: folder  # type: ignore[assignment]
