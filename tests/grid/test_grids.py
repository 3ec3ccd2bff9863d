"""What both grids promise: the same bits, whoever computes them."""

import hashlib
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from flwr.app import Message, RecordDict
from support.toys import SHAPES, Toy, initial, open_toy, train_messages

from fedasr.grid.exchange import Mean
from fedasr.grid.flower.identity import silo_of
from fedasr.grid.in_process import InProcess
from fedasr.grid.silo_grid import SiloGrid
from fedasr.grid.workers import Workers
from fedasr.messages.records import arrays_of
from fedasr.wire.codecs.dense import Dense

from .conftest import WorkersNamed

GRIDS = ["process", "ray 1", "ray 2", "ray 3"]


def _arrays(reply: Message) -> dict[str, np.ndarray]:
    return arrays_of(reply.content.array_records["arrays"])


def _bytes(replies: Sequence[Message]) -> list[bytes]:
    return [b"".join(a.tobytes() for a in _arrays(reply).values()) for reply in replies]


def _expected(silos: Sequence[int]) -> dict[str, np.ndarray]:
    models = [{n: Toy()._changed(a, silo) for n, a in arrays_of(initial()).items()} for silo in silos]
    weights = [silo + 1 for silo in silos]
    return {n: np.average(np.stack([m[n] for m in models]).astype(np.float64), axis=0, weights=weights) for n in SHAPES}


@pytest.mark.parametrize("averaged", [True, False])
@pytest.mark.parametrize("silos", [1, 11, 20])
def test_neither_grid_nor_number_of_workers_changes_a_bit(
    workers_named: WorkersNamed, silos: int, averaged: bool
) -> None:
    results = []
    for name in GRIDS:
        grid = open_toy(workers_named(name), silos, Toy(draws=True))
        mean = Mean() if averaged else None
        results.append(grid.exchange(train_messages(grid), round=4, mean=mean).replies)
        assert len(results[-1]) == (1 if averaged else silos)
    assert all(_bytes(result) == _bytes(results[0]) for result in results[1:])
    metrics = [[dict(reply.content.metric_records["metrics"]) for reply in result] for result in results]
    assert all(found == metrics[0] for found in metrics[1:])


def test_draws_depend_on_seed_round_and_silo() -> None:
    def drawn(seed: int, round: int) -> list[np.ndarray]:
        """Return what each silo drew: what is left of its reply once that of a silo that draws nothing is taken off."""
        grid = open_toy(InProcess(), 3, Toy(draws=True), seed)
        replies = grid.exchange(train_messages(grid), round=round).replies
        return [_arrays(reply)["bias"] - _expected([silo])["bias"] for silo, reply in enumerate(replies)]

    draws = [draw for seed, round in ((1, 1), (2, 1), (1, 2)) for draw in drawn(seed, round)]
    for one, other in itertools.combinations(draws, 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.2
    np.testing.assert_array_equal(drawn(1, 1), draws[:3])


def test_global_generators_are_given_back() -> None:
    states = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()
    grid = open_toy(InProcess(), 2, Toy(draws=True, faults={1: "raise"}))
    grid.send_and_receive(train_messages(grid))
    assert random.getstate() == states[0]
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])
    assert torch.get_rng_state().equal(states[2])


def test_the_mean_is_weighted(workers: Workers) -> None:
    grid = open_toy(workers, 9)
    (reply,) = grid.exchange(train_messages(grid), round=0, mean=Mean()).replies
    for name, expected in _expected(range(9)).items():
        np.testing.assert_allclose(_arrays(reply)[name], expected, rtol=1e-6, atol=1e-6)
    metrics = reply.content.metric_records["metrics"]
    weights = np.arange(1, 10)
    assert metrics["num-examples"] == weights.sum()
    assert metrics["loss"] == pytest.approx(np.average(1 / (np.arange(9) + 3), weights=weights))
    assert metrics["pair"] == pytest.approx(np.average([[s, 2 * s] for s in range(9)], axis=0, weights=weights))


@dataclass(frozen=True)
class Cancelling(Toy):
    """Replies whose sum is zero in exact arithmetic: in float64 what remains tells in which order they were added."""

    silos: int = 0

    def _changed(self, array: np.ndarray, silo: int) -> np.ndarray:
        pair, place = min(silo, self.silos - 1 - silo), np.arange(array.size)
        size = (1 + (37 * pair + 101 * place) % 8191 / 8192) * 2.0 ** ((7 * pair + 3 * place) % 61)
        return np.reshape(size if pair == silo else -size, array.shape).astype(np.float32)

    def _train(self, message: Message, silo: int) -> Message:
        reply = super()._train(message, silo)
        reply.content.metric_records["metrics"]["num-examples"] = 1
        return reply


@pytest.mark.parametrize(("silos", "golden"), [(20, "4bb6646cf8f5ee3b"), (100, "dbb506f492eda4dd")])
def test_sums_are_added_in_the_order_that_they_always_were(silos: int, golden: str) -> None:
    """On any machine; another order is a change of bits, to be marked so in the changelog."""
    grid = open_toy(InProcess(), silos, Cancelling(silos=silos))
    (reply,) = grid.exchange(train_messages(grid), round=0, mean=Mean()).replies
    assert np.abs(_arrays(reply)["bias"]).max() > 1
    assert hashlib.sha256(_bytes([reply])[0]).hexdigest()[:16] == golden


def test_another_weight_may_be_asked_for() -> None:
    grid = open_toy(InProcess(), 4)
    (reply,) = grid.exchange(train_messages(grid), round=0, mean=Mean("loss")).replies
    models = [{n: Toy()._changed(a, silo) for n, a in arrays_of(initial()).items()} for silo in range(4)]
    expected = np.average([m["bias"] for m in models], axis=0, weights=[1 / (silo + 3) for silo in range(4)])
    np.testing.assert_allclose(_arrays(reply)["bias"], expected, rtol=1e-5)


def test_replies_are_averaged_by_name_not_by_position(workers: Workers) -> None:
    replies = []
    for faults in ({}, {0: "permuted", 3: "permuted"}):
        grid = open_toy(workers, 5, Toy(faults))
        replies += grid.exchange(train_messages(grid), round=0, mean=Mean()).replies
    assert _bytes(replies[:1]) == _bytes(replies[1:])


def test_flowers_own_arrays_give_the_same_bits() -> None:
    replies = []
    for plain in (False, True):
        grid = open_toy(InProcess(), 5, Toy(plain_arrays=plain))
        replies += grid.exchange(train_messages(grid), round=0, mean=Mean()).replies
    assert _bytes(replies[:1]) == _bytes(replies[1:])


def test_replies_come_in_the_order_of_the_silos(workers: Workers) -> None:
    grid = open_toy(workers, 12)
    messages = train_messages(grid)
    replies = list(grid.send_and_receive(random.Random(0).sample(messages, len(messages))))
    assert [silo_of(reply.metadata.src_node_id) for reply in replies] == list(range(12))
    for silo, reply in enumerate(replies):
        np.testing.assert_array_equal(_arrays(reply)["bias"], _expected([silo])["bias"].astype(np.float32))


def test_a_reply_answers_its_message(workers: Workers) -> None:
    grid = open_toy(workers, 3)
    messages = train_messages(grid)
    replies = list(grid.send_and_receive(messages))
    assert [r.metadata.reply_to_message_id for r in replies] == [m.metadata.message_id for m in messages]
    assert len({m.metadata.message_id for m in messages}) == 3


def test_pushing_and_pulling_is_sending_and_receiving(workers: Workers) -> None:
    grid = open_toy(workers, 4)
    names = list(grid.push_messages(train_messages(grid)))
    assert len(set(names)) == 4
    pulled = list(grid.pull_messages(names))
    assert _bytes(pulled) == _bytes(list(grid.send_and_receive(train_messages(grid))))
    assert list(grid.pull_messages(names)) == []


def test_a_strategy_sends_in_the_round_it_is_given(workers: Workers) -> None:
    """Flower's own know no rounds of a grid: they are given the grid as it is in one."""
    grid, other = (open_toy(workers, 5, Toy(draws=True)) for _ in range(2))
    in_round = grid.of_round(7, Mean())
    assert list(in_round.get_node_ids()) == list(grid.get_node_ids())
    sent = list(in_round.send_and_receive(train_messages(grid)))
    pulled = list(in_round.pull_messages(list(in_round.push_messages(train_messages(grid)))))
    expected = other.exchange(train_messages(other), round=7, mean=Mean()).replies
    assert _bytes(sent) == _bytes(expected)
    assert _bytes(pulled) == _bytes(other.exchange(train_messages(other), round=7).replies), "each id has its own reply"
    assert {message.round for message in grid.log.traffic} == {7}


def test_no_messages_no_replies(workers: Workers) -> None:
    assert list(open_toy(workers, 3).send_and_receive([])) == []


def test_part_of_the_silos_may_be_asked(workers: Workers) -> None:
    grid = open_toy(workers, 20)
    chosen = [2, 7, 8, 19]
    messages = [m for m in train_messages(grid) if silo_of(m.metadata.dst_node_id) in chosen]
    (reply,) = grid.exchange(messages, round=0, mean=Mean()).replies
    np.testing.assert_allclose(_arrays(reply)["bias"], _expected(chosen)["bias"], rtol=1e-6, atol=1e-6)
    assert {t.silo for t in grid.log.traffic} == set(chosen)


def _count(grid: SiloGrid) -> list[int]:
    replies = grid.send_and_receive([Message(RecordDict(), node, "query.count") for node in grid.get_node_ids()])
    return [int(r.content.config_records["seen"]["times"]) for r in replies]  # type: ignore[arg-type]


def test_a_silo_keeps_its_state_and_a_new_grid_forgets_it(workers: Workers) -> None:
    grid = open_toy(workers, 20)
    assert [set(_count(grid)) for _ in range(4)] == [{1}, {2}, {3}, {4}]
    assert set(_count(open_toy(workers, 20))) == {1}


def test_what_a_silo_does_to_its_message_reaches_nobody_else(workers: Workers) -> None:
    grid = open_toy(workers, 12)
    content = train_messages(grid)[0].content
    for _ in range(2):
        replies = list(grid.send_and_receive([Message(content, n, "query.scribble") for n in grid.get_node_ids()]))
        assert not [r.error.reason for r in replies if r.has_error()]
        assert {r.content.config_records["before"]["found"] for r in replies} == {False}
        assert {r.content.config_records["before"]["records"] for r in replies} == {2}
    assert list(content) == ["arrays", "config"]
    assert list(content.array_records["arrays"]) == list(SHAPES)


@pytest.mark.parametrize("averaged", [True, False])
def test_traffic_is_what_the_codec_encodes(workers: Workers, averaged: bool) -> None:
    grid = open_toy(workers, 5)
    grid.exchange(train_messages(grid), round=6, mean=Mean() if averaged else None)
    size = len(Dense().encode(arrays_of(initial()), {})[0])
    for direction in ("up", "down"):
        lines = [line for line in grid.log.traffic if line.direction == direction]
        assert [line.silo for line in lines] == list(range(5))
        assert {line.blob_bytes for line in lines} == {size}
        assert {(line.round, line.kind) for line in lines} == {(6, "train")}
        assert all(line.envelope_bytes > 0 for line in lines)
    assert len(grid.log.traffic) == 10


def test_time_in_a_silo_is_counted(workers: Workers) -> None:
    grid = open_toy(workers, 4)
    answers = grid.exchange(train_messages(grid), round=0)
    assert all(outcome.cpu_seconds > 0 for outcome in answers.outcomes)


def _squares(shared: int, items: Sequence[int]) -> list[int]:
    return [shared + item * item for item in items]


def test_map_gives_results_in_order(workers: Workers) -> None:
    from ray import cloudpickle

    import grid.test_grids as here

    cloudpickle.register_pickle_by_value(here)
    assert workers.map(_squares, 5, list(range(23))) == [5 + n * n for n in range(23)]
    assert workers.map(_squares, 5, []) == []


def test_replies_come_in_the_order_of_what_was_sent(workers: Workers) -> None:
    """Flower's wrappers for differential privacy subtract arrays by position."""
    grid = open_toy(workers, 2, Toy(faults={0: "permuted", 1: "permuted"}))
    for reply in grid.send_and_receive(train_messages(grid)):
        assert list(reply.content.array_records["arrays"]) == list(SHAPES)
