"""Silos that misbehave, workers that die: the others go on."""

import logging
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from flwr.app import ConfigRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from support.toys import Toy, open_toy, train_messages

from fedasr.common.errors import RowError
from fedasr.common.randomness import Streams
from fedasr.grid.exchange import Mean
from fedasr.grid.flower.identity import silo_of
from fedasr.grid.in_process import InProcess
from fedasr.grid.ray import spread
from fedasr.grid.silo_grid import SiloGrid
from fedasr.grid.workers import Workers
from fedasr.messages.records import array_record, arrays_of

from .conftest import WorkersNamed

REFUSED = {
    "nan": "'bias' holds values that are not finite",
    "inf": "'bias' holds values that are not finite",
    "two infinities": "'bias' holds values that are not finite",
    "shape": "'bias' has shape (10, 100), not (1000,)",
    "missing name": "bias",
    "other name": "prejudice",
    "raise": "no electricity",
}
REFUSED_WEIGHTS = {"no weight": "None", "negative weight": "-1", "nan weight": "nan"}


class Huge(Toy):
    """All values are finite, and their sum is not."""

    def _changed(self, array: np.ndarray, silo: int) -> np.ndarray:
        return np.full_like(array, 1e38)


def _mean_of(grid_workers: Workers, toy: Toy, silos: list[int], count: int = 6) -> bytes:
    grid = open_toy(grid_workers, count, toy)
    messages = [m for m in train_messages(grid) if silo_of(m.metadata.dst_node_id) in silos]
    return _bytes_of(grid.exchange(messages, round=0, mean=Mean()).replies[0])


def _bytes_of(reply: Message) -> bytes:
    return b"".join(a.tobytes() for a in arrays_of(reply.content.array_records["arrays"]).values())


@pytest.mark.parametrize("averaged", [True, False])
@pytest.mark.parametrize("fault", sorted(REFUSED))
def test_a_bad_reply_is_refused_and_the_others_go_on(fault: str, averaged: bool) -> None:
    grid = open_toy(InProcess(), 6, Toy({4: fault}))
    answers = grid.exchange(train_messages(grid), round=0, mean=Mean() if averaged else None)
    failed = [reply for reply in answers.replies if reply.has_error()]
    assert [silo_of(reply.metadata.src_node_id) for reply in failed] == [4]
    assert REFUSED[fault] in failed[0].error.reason
    assert "\n" not in failed[0].error.reason
    assert len(answers.good) == (1 if averaged else 5)
    assert answers.answered == 5
    assert [outcome.request.silo for outcome in answers.failed] == [4]
    assert 4 not in {line.silo for line in grid.log.traffic if line.direction == "up"}


def test_finite_replies_are_accepted_though_their_sum_is_not() -> None:
    """Finiteness is looked for in the sum of many values first: 40,000 times 1e38 is more than a float32 holds."""
    grid = open_toy(InProcess(), 3, Huge())
    replies = list(grid.send_and_receive(train_messages(grid)))
    assert not [reply.error.reason for reply in replies if reply.has_error()]
    assert {arrays_of(reply.content.array_records["arrays"])["weight"].max() for reply in replies} == {np.float32(1e38)}


def test_a_weight_of_zero_adds_nothing_and_zeros_alone_have_no_mean() -> None:
    zero = dict.fromkeys(range(6), "zero weight")
    assert _mean_of(InProcess(), Toy({4: "zero weight"}), [1, 4]) == _mean_of(InProcess(), Toy(), [1])
    with pytest.raises(RowError, match="weights 'num-examples' of all replies are zero"):
        _mean_of(InProcess(), Toy(zero), [1, 4])


@pytest.mark.parametrize("fault", sorted(REFUSED_WEIGHTS))
def test_a_bad_weight_is_refused_and_the_others_go_on(fault: str) -> None:
    grid = open_toy(InProcess(), 6, Toy({4: fault}))
    good, bad = grid.exchange(train_messages(grid), round=0, mean=Mean()).replies
    assert good.content.metric_records["metrics"]["num-examples"] == 1 + 2 + 3 + 4 + 6
    assert silo_of(bad.metadata.src_node_id) == 4
    assert "num-examples" in bad.error.reason
    assert REFUSED_WEIGHTS[fault] in bad.error.reason


@pytest.mark.parametrize("fault", sorted({**REFUSED, **REFUSED_WEIGHTS}))
def test_a_refused_reply_leaves_no_trace_in_the_mean(fault: str) -> None:
    with_fault = _mean_of(InProcess(), Toy({2: fault}), [0, 1, 2, 3, 4, 5])
    assert with_fault == _mean_of(InProcess(), Toy(), [0, 1, 3, 4, 5])


def test_ray_refuses_as_the_process_does(workers_named: WorkersNamed) -> None:
    faults = {0: "nan", 3: "raise", 7: "shape"}
    results = []
    for name in ("process", "ray 2"):
        grid = open_toy(workers_named(name), 9, Toy(faults))
        mean, *errors = grid.exchange(train_messages(grid), round=0, mean=Mean()).replies
        reasons = {silo_of(e.metadata.src_node_id): e.error.reason for e in errors}
        results.append((arrays_of(mean.content.array_records["arrays"])["bias"].tobytes(), reasons))
    assert results[0] == results[1]
    assert results[0][1].keys() == faults.keys()


def test_where_all_fail_there_are_only_errors() -> None:
    grid = open_toy(InProcess(), 3, Toy(dict.fromkeys(range(3), "raise")))
    answers = grid.exchange(train_messages(grid), round=0, mean=Mean())
    assert [reply.has_error() for reply in answers.replies] == [True] * 3


class _Odd:
    """Silo 0 and 1 report different metrics; all weights are what the test says."""

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def __call__(self) -> ClientApp:
        app = ClientApp()

        @app.train()
        def train(message: Message, context: object) -> Message:
            silo = int(context.node_config["silo"])  # type: ignore[attr-defined]
            arrays = array_record({"w": np.float32([silo])})
            metrics = MetricRecord({"num-examples": self.weight, "loss": 1.0, f"only-{silo}": 1.0})
            return Message(RecordDict({"arrays": arrays, "metrics": metrics}), reply_to=message)

        return app


def _odd_mean(weight: float) -> Message:
    grid = InProcess().open_grid(_Odd(weight), {0: {"silo": 0}, 1: {"silo": 1}}, Streams(0))
    content = RecordDict({"arrays": array_record({"w": np.float32([0])}), "config": ConfigRecord()})
    messages = [Message(content, node, "train") for node in grid.get_node_ids()]
    return grid.exchange(messages, round=0, mean=Mean()).replies[0]


def test_metrics_that_not_all_silos_report_are_left_out() -> None:
    reply = _odd_mean(2)
    assert dict(reply.content.metric_records["metrics"]) == {"num-examples": 4, "loss": 1.0}
    assert arrays_of(reply.content.array_records["arrays"])["w"] == [0.5]


def test_weights_that_are_all_zero_end_the_row() -> None:
    with pytest.raises(RowError, match="zero"):
        _odd_mean(0)


def test_a_killed_worker_changes_nothing(
    workers_named: WorkersNamed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected = _mean_of(InProcess(), Toy(), list(range(6)))
    with caplog.at_level(logging.WARNING, "fedasr"):
        found = _mean_of(workers_named("ray 2"), Toy({3: "die"}, tmp_path / "died"), list(range(6)))
    assert (tmp_path / "died").exists()
    assert "died" in caplog.text
    assert found == expected


def _late(messages: Iterable[Message]) -> dict[int, str]:
    return {silo_of(m.metadata.src_node_id): m.error.reason or "" for m in messages if m.has_error()}


@pytest.mark.parametrize("averaged", [True, False])
@pytest.mark.parametrize("name", ["process", "ray 1", "ray 2"])
def test_a_silo_that_hangs_costs_its_own_reply_and_nobody_elses(
    name: str, averaged: bool, workers_named: WorkersNamed, tmp_path: Path
) -> None:
    """Whoever shares its worker has all of its own time, and goes on with what it kept."""
    workers = workers_named(name)
    grid = open_toy(workers, 16, Toy({3: "hang"}, tmp_path / "hung"))
    assert _counts(grid) == [1] * 16
    begun = time.monotonic()
    answers = grid.exchange(train_messages(grid), round=0, mean=Mean() if averaged else None, timeout=1.5)
    assert time.monotonic() - begun < 15
    assert _late(answers.replies) == {3: "no reply within 1.5 s"}
    assert answers.answered == 15
    assert len(answers.good) == (1 if averaged else 15)
    if averaged:
        others = [silo for silo in range(16) if silo != 3]
        assert _bytes_of(answers.good[0]) == _mean_of(InProcess(), Toy(), others, 16)
    assert _counts(grid) == [2] * 16
    again = list(grid.send_and_receive(train_messages(grid), timeout=60))
    assert [reply.has_error() for reply in again] == [False] * 16


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_no_time_at_all_is_told_at_once(timeout: float, workers: Workers) -> None:
    grid = open_toy(workers, 5, Toy(dict.fromkeys(range(5), "hang")))
    begun = time.monotonic()
    assert _late(grid.send_and_receive(train_messages(grid), timeout=timeout)).keys() == set(range(5))
    assert time.monotonic() - begun < 3
    assert _late(grid.send_and_receive(train_messages(grid)[:0], timeout=timeout)) == {}


@pytest.mark.parametrize("timeout", [None, 3600.0, float("inf"), 1e12])
def test_much_time_is_no_limit(timeout: float | None, workers: Workers) -> None:
    assert not _late(open_toy(workers, 5).send_and_receive(train_messages(open_toy(workers, 5)), timeout=timeout))


def test_a_worker_that_cannot_be_interrupted_is_replaced_and_only_its_silo_is_late(
    workers_named: WorkersNamed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "GRACE_SECONDS", 1.0)
    grid = open_toy(workers_named("ray 1"), 9, Toy({4: "deaf"}, tmp_path / "deaf"))
    answers = grid.exchange(train_messages(grid), round=0, mean=Mean(), timeout=0.5)
    assert _late(answers.replies).keys() <= {4}, "alone and for the second time it may reply"
    others = [silo for silo in range(9) if silo != 4 or answers.answered == 9]
    assert _bytes_of(answers.good[0]) == _mean_of(InProcess(), Toy(), others, 9)


def _counts(grid: SiloGrid) -> list[int]:
    replies = grid.send_and_receive([Message(RecordDict(), node, "query.count") for node in grid.get_node_ids()])
    return [int(reply.content.config_records["seen"]["times"]) for reply in replies]  # type: ignore[arg-type]


@pytest.mark.parametrize("fault", ["die", "deaf"])
def test_the_state_of_a_lost_workers_silos_is_missed(
    fault: str, workers_named: WorkersNamed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "GRACE_SECONDS", 1.0)
    pool = workers_named("ray 2")
    grid = open_toy(pool, 6, Toy({3: fault}, tmp_path / "once"))
    _counts(grid)
    with pytest.raises(RowError, match="state of its silos"):
        grid.send_and_receive(train_messages(grid), timeout=1)
    _assert_works(pool)


def test_work_that_always_kills_its_worker_ends_the_row(workers_named: WorkersNamed) -> None:
    pool = workers_named("ray 2")
    grid = open_toy(pool, 2, Toy({1: "always die"}))
    with pytest.raises(RowError, match="died 3 times"):
        grid.send_and_receive(train_messages(grid))
    _assert_works(pool)


def _assert_works(pool: Workers) -> None:
    """What ended one row must not end the next."""
    grid = open_toy(pool, 6)
    assert not any(reply.has_error() for reply in grid.send_and_receive(train_messages(grid)))
