"""What holds for every exchange of a row's grid: the codec, drop-outs, and what training is charged."""

import numpy as np
import pytest
from flwr.app import Message, RecordDict
from support.toys import initial, open_toy, train_messages

from fedasr.common.errors import RowError
from fedasr.grid.exchange import Mean
from fedasr.grid.rules import Rules
from fedasr.grid.workers import Workers
from fedasr.messages.kinds import TRAIN, Kind
from fedasr.messages.records import arrays_of
from fedasr.wire.codecs_by_name import build_codec

from .conftest import WorkersNamed

Asked = list[tuple[int, Kind]]


@pytest.mark.parametrize("mean", [None, Mean()])
@pytest.mark.parametrize("codec", ["fp16", "top-k", "threshold"])
def test_any_app_replies_in_the_rows_codec(codec: str, mean: Mean | None, workers_named: WorkersNamed) -> None:
    """The app knows nothing of it; both grids let the same through."""
    found = []
    for name in ("process", "ray 2"):
        grid = open_toy(workers_named(name), 5, rules=Rules(build_codec(codec, {})))
        rounds = [grid.exchange(train_messages(grid), round=round, mean=mean) for round in (1, 2)]
        assert all(answers.answered == 5 for answers in rounds)
        sizes = [line.blob_bytes for line in grid.log.traffic if line.direction == "up"]
        replies = [arrays_of(r.content["arrays"])["weight"].tobytes() for answers in rounds for r in answers.replies]
        found.append((sizes, replies))
    assert found[0] == found[1]
    model = sum(array.nbytes for array in arrays_of(initial()).values())
    assert all(0 < size < 0.6 * model for size in found[0][0])


def test_what_a_codec_leaves_out_waits_for_the_next_reply(workers: Workers) -> None:
    """A toy changes all values of a model; of these a hundredth arrives, and then another."""
    grid = open_toy(workers, 3, rules=Rules(build_codec("top-k", {"density": 0.01})))
    sent = arrays_of(initial())
    changed = []
    for round in (1, 2):
        reply = grid.exchange(train_messages(grid), round=round).replies[2]
        arrays = arrays_of(reply.content["arrays"])
        changed.append(np.concatenate([(arrays[name] != sent[name]).reshape(-1) for name in sent]))
    assert all(0 < part.mean() <= 0.011 for part in changed)
    assert (changed[1] & ~changed[0]).any()


def test_questions_are_not_encoded(workers: Workers) -> None:
    grid = open_toy(workers, 3, rules=Rules(build_codec("top-k", {})))
    nodes = list(grid.get_node_ids())
    assert grid.exchange([Message(RecordDict(), node, "query.count") for node in nodes], round=1).answered == 3


def test_training_is_charged_before_it_is_asked_for_and_nothing_else_is(workers: Workers) -> None:
    charged: list[tuple[int, Asked]] = []
    grid = open_toy(workers, 3, rules=Rules(before_training=lambda round, asked: charged.append((round, list(asked)))))
    content = train_messages(grid)[0].content
    nodes = list(grid.get_node_ids())
    grid.exchange([Message(content, node, "evaluate") for node in nodes], round=3)
    assert charged == []
    mixed = [Message(content, nodes[0], "evaluate"), *(Message(content, node, "train") for node in nodes[1:])]
    grid.exchange(mixed, round=4)
    assert charged == [(4, [(1, TRAIN), (2, TRAIN)])]


def test_what_cannot_be_charged_is_not_sent(workers: Workers) -> None:
    def refuse(round: int, asked: object) -> None:
        raise RowError("too dear")

    grid = open_toy(workers, 3, rules=Rules(before_training=refuse))
    with pytest.raises(RowError, match="too dear"):
        grid.exchange(train_messages(grid), round=1)
    assert grid.log.traffic == []
    assert grid.exchange([], round=1).replies == ()
