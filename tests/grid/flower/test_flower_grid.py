"""A grid over Flower's own: random node ids, late nodes, replies in any order; the same bits."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from flwr.app import Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp
from support.toys import Toy, open_toy, train_messages
from support.wires import Wires, travelled

from fedasr.common.errors import RowError
from fedasr.grid.exchange import Mean
from fedasr.grid.flower.flower_grid import COST_RECORD, FlowerWorkers, cost_record, find_silos, silo_record
from fedasr.grid.flower.identity import identify
from fedasr.grid.in_process import InProcess
from fedasr.grid.silo_grid import SiloGrid
from fedasr.messages.kinds import SILO_NUMBER
from fedasr.messages.records import arrays_of


@dataclass
class OthersGrid(Wires):
    """Nodes with random ids, one more of which is there at each look; replies are shuffled."""

    silos: list[int]
    toy: Toy = field(default_factory=Toy)
    mute: set[int] = field(default_factory=set)
    broken: set[int] = field(default_factory=set)
    sent: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        identify()
        self._random = random.Random(7)
        self._nodes = {self._random.getrandbits(60): silo for silo in self.silos}
        self._looks = 0
        self._app: ClientApp = self.toy()

    def get_node_ids(self) -> Iterable[int]:
        self._looks += 1
        return list(self._nodes)[: self._looks]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        self.sent += (asked := list(messages))
        replies = [self._reply(m) for m in asked if self._nodes[m.metadata.dst_node_id] not in self.mute]
        self._random.shuffle(replies)
        return replies

    def _reply(self, message: Message) -> Message:
        silo = self._nodes[message.metadata.dst_node_id]
        if silo in self.broken:
            return Message(Error(2, "OSError: no electricity"), reply_to=message)
        if message.metadata.message_type == SILO_NUMBER.name:
            return Message(silo_record(silo), reply_to=message)
        copy = Message(travelled(message.content), message.metadata.dst_node_id, message.metadata.message_type)
        reply = self._app(copy, Context(0, 0, {"silo": silo}, RecordDict(), {}))
        reply.content[COST_RECORD] = cost_record(silo / 4)
        return Message(travelled(reply.content), reply_to=message)


def _open(flower: OthersGrid, silos: int) -> SiloGrid:
    return open_toy(FlowerWorkers(flower, 5.0), silos)


def _result(grid: SiloGrid, mean: Mean | None = None) -> list[Any]:
    answers = grid.exchange(train_messages(grid), round=3, mean=mean, timeout=9.0)
    return [_read(reply) for reply in answers.replies]


def _read(reply: Message) -> tuple[Any, ...]:
    node = reply.metadata.src_node_id
    if reply.has_error():
        return reply.error.reason, node
    arrays = {name: array.tobytes() for name, array in arrays_of(reply.content["arrays"]).items()}
    return arrays, dict(reply.content["metrics"]), node


@pytest.mark.parametrize("mean", [None, Mean()])
def test_the_bits_and_the_traffic_are_those_of_a_simulation(mean: Mean | None) -> None:
    silos = [4, 11, 0, 2, 7, 9, 1, 3, 10, 5, 8, 6]
    others, own = _open(OthersGrid(silos), 12), open_toy(InProcess(), 12)
    assert _result(others, mean) == _result(own, mean)
    assert others.log.traffic == own.log.traffic
    assert [o.cpu_seconds for o in others.log.outcomes] == [silo / 4 for silo in range(12)]


def test_messages_carry_the_round_and_go_to_the_nodes_of_the_silos() -> None:
    flower = OthersGrid([1, 2, 0])
    grid = _open(flower, 3)
    flower.sent.clear()
    _result(grid)
    assert {message.metadata.group_id for message in flower.sent} == {"3"}
    assert [flower._nodes[message.metadata.dst_node_id] for message in flower.sent] == [0, 1, 2]


@pytest.mark.parametrize("mean", [None, Mean()])
def test_bad_and_missing_replies_are_refused_and_the_others_go_on(mean: Mean | None) -> None:
    flower = OthersGrid([3, 0, 2, 1, 4], Toy({1: "nan", 2: "shape"}))
    grid = _open(flower, 5)
    flower.mute, flower.broken = {3}, {4}
    *good, nan, shape, mute, broken = _result(grid, mean)
    assert [reply[-1] for reply in good] == [2]
    assert all(np.isfinite(np.frombuffer(a, np.float32)).all() for a in good[0][0].values())
    assert nan == ("'bias' holds values that are not finite", 3)
    assert shape[0].startswith("'bias' has shape (10, 100)")
    assert mute == ("no reply within 9 s", 5)
    assert broken == ("OSError: no electricity", 6)


def test_nodes_beyond_the_silos_are_left_alone() -> None:
    flower = OthersGrid([5, 1, 0, 7])
    nodes = find_silos(flower, 2, 5.0)
    assert [flower._nodes[node] for node in nodes.values()] == [0, 1]


def test_silos_without_a_node_end_the_row_with_a_mend() -> None:
    with pytest.raises(RowError, match=r"2 of 4 silos have no node after 0\.2 s \(the first: 1\).*num-supernodes=4"):
        find_silos(OthersGrid([0, 3]), 4, 0.2)


def test_a_node_that_knows_no_silo_ends_the_row_with_its_reason() -> None:
    with pytest.raises(RowError, match="no electricity"):
        find_silos(OthersGrid([0, 1], broken={1}), 2, 5.0)
