"""Silos on Ray actors: what is lost with one is done again and nothing else; sums do not tell who worked."""

import collections
import os
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from flwr.app import Message
from ray import cloudpickle
from support.toys import Toy, open_toy, train_messages

import grid.ray.test_grid as here
from fedasr.grid.exchange import Answers, Mean
from fedasr.grid.in_process import InProcess
from fedasr.grid.ray.pool import RayWorkers
from fedasr.grid.workers import Workers
from fedasr.messages.records import arrays_of

from ..conftest import WorkersNamed


@pytest.fixture(autouse=True)
def _picklable() -> None:
    """Actors cannot import test modules."""
    cloudpickle.register_pickle_by_value(here)


@dataclass(frozen=True)
class Journal(Toy):
    """A toy whose silos note who ran them, and may sleep or let their worker die a while after they replied."""

    folder: Path = Path()
    sleeps: dict[int, float] = field(default_factory=dict)
    dies_later: int | None = None

    def _train(self, message: Message, silo: int) -> Message:
        (self.folder / f"{silo}-{time.monotonic_ns()}-{os.getpid()}").touch()
        reply = super()._train(message, silo)
        time.sleep(self.sleeps.get(silo, 0.0))
        if silo == self.dies_later and self._first_time():
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return reply

    def runs(self) -> dict[int, list[int]]:
        """Return the processes that ran each silo, in order."""
        found: dict[int, list[int]] = collections.defaultdict(list)
        for path in sorted(self.folder.iterdir(), key=lambda path: int(path.name.split("-")[1])):
            silo, _, process = path.name.split("-")
            found[int(silo)].append(int(process))
        return found


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    (tmp_path / "journal").mkdir()
    return tmp_path / "journal"


def _averaged(workers: Workers, toy: Toy, silos: int, asked: set[int] | None = None, **others: float) -> Answers:
    grid = open_toy(workers, silos, toy)
    messages = [m for silo, m in enumerate(train_messages(grid)) if asked is None or silo in asked]
    return grid.exchange(messages, round=1, mean=Mean(), **others)  # type: ignore[arg-type]


def _bytes(answers: Answers) -> bytes:
    return b"".join(a.tobytes() for a in arrays_of(answers.replies[0].content.array_records["arrays"]).values())


def test_who_is_slow_gives_silos_away_and_no_bit_changes(workers_named: WorkersNamed, journal: Path) -> None:
    toy = Journal(folder=journal, sleeps={0: 2.0})
    found = _averaged(workers_named("ray 2"), toy, 12)
    by = collections.Counter(run for silo, (run,) in toy.runs().items())
    assert sorted(by.values()) != [6, 6], "the other worker had time for more than its half"
    assert _bytes(found) == _bytes(_averaged(InProcess(), Toy(), 12))


def test_what_a_dead_worker_had_added_up_is_done_again_and_nothing_else(
    workers_named: WorkersNamed, journal: Path, tmp_path: Path
) -> None:
    """Silo 7 kills its worker; what the other had done by then it does not do again."""
    toy = Journal({7: "die"}, tmp_path / "died", folder=journal, sleeps=dict.fromkeys(range(12), 0.1))
    found = _averaged(workers_named("ray 2"), toy, 12)
    runs = toy.runs()
    dead = runs[7][0]
    assert len(runs[7]) == 2
    assert all(processes.count(dead) <= 1 for processes in runs.values())
    assert all((len(processes) == 2) == (processes[0] == dead) for processes in runs.values())
    assert _bytes(found) == _bytes(_averaged(InProcess(), Toy(), 12))


def test_a_worker_that_dies_before_its_sum_is_fetched_is_replayed(
    workers_named: WorkersNamed, journal: Path, tmp_path: Path
) -> None:
    toy = Journal({}, tmp_path / "died", folder=journal, sleeps={1: 3.0}, dies_later=0)
    found = _averaged(workers_named("ray 2"), toy, 2)
    assert (tmp_path / "died").exists()
    assert [len(toy.runs()[silo]) for silo in (0, 1)] == [2, 1]
    assert found.answered == 2
    assert _bytes(found) == _bytes(_averaged(InProcess(), Toy(), 2))


@pytest.mark.parametrize("asked", [{3}, {0, 1, 2}, {1, 6, 7, 12, 19}, set(range(1, 20, 2))])
def test_cohorts_are_summed_alike_everywhere(workers_named: WorkersNamed, asked: set[int]) -> None:
    found = [_bytes(_averaged(workers_named(name), Toy(), 20, asked)) for name in ("process", "ray 1", "ray 3")]
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("mean", [None, Mean()])
def test_a_silo_may_be_asked_twice_at_once(workers_named: WorkersNamed, mean: Mean | None) -> None:
    """Both messages go where the silo is, in the order in which they were sent."""
    found = []
    for name in ("process", "ray 2"):
        grid = open_toy(workers_named(name), 5)
        messages = train_messages(grid) + train_messages(grid)[2:4]
        answers = grid.exchange(messages, round=1, mean=mean)
        assert answers.answered == 7
        found.append([a.tobytes() for r in answers.replies for a in arrays_of(r.content["arrays"]).values()])
    assert found[0] == found[1]
    if mean is None:
        return
    single = [arrays_of(r.content["arrays"])["bias"] for r in open_toy(InProcess(), 5).exchange(
        train_messages(grid), round=1).replies]  # fmt: skip
    weights = np.array([1, 2, 6, 8, 5])
    expected = np.average(np.stack(single).astype(np.float64), axis=0, weights=weights)
    bias = arrays_of(answers.replies[0].content["arrays"])["bias"]
    np.testing.assert_allclose(bias, expected, rtol=1e-6, atol=1e-6)


def test_silos_that_keep_state_stay_with_their_worker(pool: RayWorkers) -> None:
    grid = open_toy(pool, 9)
    for times in (1, 2, 3):
        asked = [Message(train_messages(grid)[0].content, node, "query.count") for node in grid.get_node_ids()]
        counts = [int(r.content["seen"]["times"]) for r in grid.exchange(asked, round=times).replies]  # type: ignore[arg-type]
        assert counts == [times] * 9
    kept = dict(grid.silo_states())
    other = open_toy(pool, 9)
    other.restore_silos(kept.items())
    asked = [Message(train_messages(other)[0].content, node, "query.count") for node in other.get_node_ids()]
    assert {int(r.content["seen"]["times"]) for r in other.exchange(asked, round=4).replies} == {4}  # type: ignore[arg-type]
