"""What Flower says of a Grid: ids that replies answer, polling that ends, and one error for one lost message."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, RecordDict
from flwr.serverapp import Grid
from hypothesis import given
from hypothesis import strategies as st
from support.far_nodes import Nodes
from support.keepers import Keeper
from support.toys import Toy, initial, open_toy, train_messages

from fedasr.common.randomness import Streams
from fedasr.grid.exchange import Mean
from fedasr.grid.flower.flower_grid import FlowerWorkers
from fedasr.grid.flower.identity import NODE_UNAVAILABLE, silo_of
from fedasr.grid.in_process import InProcess
from fedasr.grid.rules import Rules
from fedasr.grid.workers import Workers
from fedasr.messages.records import arrays_of
from fedasr.wire.codecs.dense import Dense

from .conftest import WorkersNamed

SILOS = 5


def _of_round(grid: Grid) -> Grid:
    return grid.of_round(4)  # type: ignore[attr-defined,no-any-return]


def _averaging(grid: Grid) -> Grid:
    return grid.of_round(4, Mean())  # type: ignore[attr-defined,no-any-return]


@pytest.fixture(params=["process", "ray 2", "nodes"])
def opened(request: pytest.FixtureRequest, workers_named: WorkersNamed) -> Grid:
    """Each of our grids over five silos that can train."""
    if request.param == "nodes":
        workers: Workers = FlowerWorkers(Nodes(SILOS, Dense()), 5.0)
        return workers.open_grid(Keeper(), {n: {"silo": n} for n in range(SILOS)}, Streams(5), Rules())
    return open_toy(workers_named(request.param), SILOS)


@pytest.fixture(params=[lambda grid: grid, _of_round, _averaging], ids=["grid", "of a round", "averaging"])
def grid(request: pytest.FixtureRequest, opened: Grid) -> Grid:
    face: Grid = request.param(opened)
    return face


def _asked(grid: Grid) -> list[Message]:
    content = RecordDict({"arrays": initial(), "config": ConfigRecord({"step": 1})})
    return [Message(content, node, "train") for node in grid.get_node_ids()]


def _ids(replies: Iterable[Message]) -> list[str]:
    return [reply.metadata.reply_to_message_id for reply in replies]


def _polled(grid: Grid, ids: Iterable[str]) -> list[Message]:
    """Poll as Flower's own grids do, but not for ever."""
    left, found = set(ids), list[Message]()
    for _ in range(4):
        replies = list(grid.pull_messages(left))
        found += replies
        left.difference_update(_ids(replies))
        if not left:
            return found
    raise AssertionError(f"{len(left)} messages are not answered")


def test_replies_answer_the_ids_that_pushing_returned_and_polling_ends(grid: Grid) -> None:
    messages = _asked(grid)
    ids = list(grid.push_messages(messages))
    assert ids == [message.metadata.message_id for message in messages]
    found = _polled(grid, ids)
    assert _ids(found) == ids
    assert [silo_of(reply.metadata.src_node_id) for reply in found] == list(range(SILOS))
    assert not any(reply.has_error() for reply in found)
    assert list(grid.pull_messages(ids)) == [], "each is returned once"


def test_what_a_silo_refuses_ends_the_polling_too(workers: Workers) -> None:
    grid = open_toy(workers, SILOS, Toy({1: "raise", 3: "nan"}))
    found = _polled(grid, grid.push_messages(_asked(grid)))
    assert [silo_of(reply.metadata.src_node_id) for reply in found] == [0, 2, 4, 1, 3]
    assert [reply.has_error() for reply in found] == [False] * 3 + [True] * 2


@given(st.lists(st.lists(st.integers(0, SILOS - 1), max_size=4), max_size=4), st.randoms(use_true_random=False))
def test_whatever_is_pushed_and_pulled_in_whichever_order_every_message_is_answered_once(
    pushes: list[list[int]], dice: object
) -> None:
    grid = open_toy(InProcess(), SILOS)
    ids: list[str] = []
    for push in pushes:
        ids += grid.push_messages([Message(RecordDict(), silo + 2, "query.count") for silo in push])
    assert len(set(ids)) == len(ids)
    dice.shuffle(ids)  # type: ignore[attr-defined]
    found = [reply for start in range(0, len(ids), 3) for reply in grid.pull_messages(iter(ids[start : start + 3]))]
    assert sorted(_ids(found)) == sorted(ids)
    times = {silo: [] for silo in range(SILOS)}  # type: dict[int, list[int]]
    for reply in found:
        times[silo_of(reply.metadata.src_node_id)].append(int(reply.content["seen"]["times"]))  # type: ignore[arg-type]
    assert all(sorted(seen) == list(range(1, len(seen) + 1)) for seen in times.values())


def test_an_unknown_id_is_answered_by_an_error(grid: Grid) -> None:
    ids = list(grid.push_messages(_asked(grid)))
    found = _polled(grid, [*ids, "nonsense"])
    assert _ids(found) == [*ids, "nonsense"]
    assert [reply.has_error() for reply in found] == [False] * SILOS + [True]


def test_a_message_to_an_unknown_node_is_one_error(grid: Grid) -> None:
    unknown = [0, 1, SILOS + 2, -7, 2**60]
    for send in (grid.send_and_receive, lambda messages: _polled(grid, grid.push_messages(messages))):
        lost = [Message(RecordDict(), node, "train") for node in unknown]
        replies = list(send([*lost[:2], *_asked(grid), *lost[2:]]))  # type: ignore[operator]
        good, errors = replies[3:-2], replies[:3] + replies[-2:]
        lost = sorted(lost, key=lambda message: message.metadata.dst_node_id)
        assert {silo_of(reply.metadata.src_node_id) for reply in good} <= set(range(SILOS))
        assert good
        assert not any(reply.has_error() for reply in good)
        assert _ids(errors) == [message.metadata.message_id for message in lost]
        assert {error.error.code for error in errors} == {NODE_UNAVAILABLE}
        assert all(str(node) in str(error.error.reason) for node, error in zip(sorted(unknown), errors, strict=True))
    only = list(grid.send_and_receive([Message(RecordDict(), 0, "train")]))
    assert [reply.has_error() for reply in only] == [True]


def test_the_same_object_sent_twice_is_two_messages(opened: Grid) -> None:
    message = _asked(opened)[2]
    ids = [*opened.push_messages([message, message]), *opened.push_messages([message])]
    assert len(set(ids)) == 3
    found = _polled(opened, ids)
    assert sorted(_ids(found)) == sorted(ids)
    assert {silo_of(reply.metadata.src_node_id) for reply in found} == {2}
    again = list(opened.send_and_receive([message, message]))
    assert len({*ids, *_ids(again)}) == 5


def test_messages_are_delivered_as_they_were_when_they_were_pushed(workers: Workers) -> None:
    grid = open_toy(workers, SILOS)
    messages = train_messages(grid)
    ids = grid.push_messages(messages)
    content = messages[0].content
    content.array_records["arrays"]["bias"] = Array(arrays_of(initial())["bias"] * 0)
    content["arrays"] = ArrayRecord()
    found = [arrays_of(reply.content["arrays"])["bias"].tobytes() for reply in grid.pull_messages(ids)]  # type: ignore[arg-type]
    expected = open_toy(InProcess(), SILOS).send_and_receive(train_messages(grid))
    assert found == [arrays_of(reply.content["arrays"])["bias"].tobytes() for reply in expected]  # type: ignore[arg-type]


def test_several_messages_to_one_silo_are_answered_in_the_order_in_which_they_were_sent(opened: Grid) -> None:
    node = list(opened.get_node_ids())[3]
    messages = [Message(_asked(opened)[0].content, node, "train") for _ in range(3)]
    assert _ids(opened.send_and_receive(messages)) == [message.metadata.message_id for message in messages]


def test_models_of_unlike_layouts_are_not_averaged() -> None:
    grid = open_toy(InProcess(), 2)
    small = {name: array for name, array in arrays_of(initial()).items() if name != "bias"}
    contents = [
        RecordDict({"arrays": initial()}),
        RecordDict({"arrays": ArrayRecord({n: Array(a) for n, a in small.items()})}),
    ]
    messages = [Message(content, node, "train") for content, node in zip(contents, grid.get_node_ids(), strict=True)]
    replies = grid.exchange(messages, round=1, mean=Mean()).replies
    assert [len(reply.content["arrays"]) for reply in replies] == [3, 2]


def test_a_row_limits_silos_where_a_strategy_does_not(workers_named: Callable[[str], Workers]) -> None:
    grid = open_toy(workers_named("process"), 2, Toy({1: "always hang"}), rules=Rules(timeout_seconds=0.2))
    for send in (grid.send_and_receive, lambda messages: grid.pull_messages(grid.push_messages(messages))):
        good, late = send(train_messages(grid))  # type: ignore[operator]
        assert good.has_content()
        assert late.error.reason == "no reply within 0.2 s"
