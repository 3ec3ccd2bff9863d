"""What a silo keeps changes with its reply alone: a message without an accepted reply leaves no trace in the silo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from flwr.app import ArrayRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp
from numpy.typing import NDArray
from support import keepers
from support.far_nodes import Nodes
from support.keepers import FAULTS, LATE_SECONDS, SHAPES, Keeper, change_of, sent

from fedasr.common.randomness import Streams
from fedasr.grid.drop_out import DropOut
from fedasr.grid.exchange import Answers, Mean
from fedasr.grid.flower.flower_grid import FlowerWorkers
from fedasr.grid.in_process import InProcess
from fedasr.grid.ray.pool import RayWorkers
from fedasr.grid.rules import Rules
from fedasr.grid.silo_grid import SiloGrid
from fedasr.grid.silo_state import packed, unpacked
from fedasr.grid.workers import Workers
from fedasr.messages.coded.residuals import STATE
from fedasr.messages.records import arrays_of
from fedasr.silo.journal import BEFORE, JOURNAL
from fedasr.wire.codec import Codec
from fedasr.wire.codecs.dense import Dense
from fedasr.wire.codecs_by_name import CODECS, build_codec

LOSSY = [name for name in CODECS.known() if name != "dense"]
PROBE = {"w": np.float32([[1, 0.3], [0.01, -0.7]])}
FEEDBACK = [name for name in LOSSY if "residual" in build_codec(name, {}).encode(PROBE, {})[1]]
"""Codecs that remember what they left behind."""
LIKE = {name: np.zeros(shape, np.float32) for name, shape in SHAPES.items()}
States = dict[int, dict[str, tuple[Any, ...]]]


def _open(workers: Workers, codec: Codec, silos: int = 3, **rules: Any) -> SiloGrid:
    return workers.open_grid(Keeper(), {n: {"silo": n} for n in range(silos)}, Streams(5), Rules(codec, **rules))


def _ask(grid: SiloGrid, content: RecordDict, kind: str = "train.gradient", mean: Mean | None = None,
         silos: Sequence[int] = (0, 1, 2)) -> Answers:  # fmt: skip
    messages = [Message(content, node, kind) for silo, node in enumerate(grid.get_node_ids()) if silo in silos]
    timeout = LATE_SECONDS if "late" in str(content["config"]) else None
    return grid.exchange(messages, round=1, mean=mean, timeout=timeout)


def _states(grid: SiloGrid) -> States:
    """Return what each silo keeps, to the bit."""
    return {
        silo: {name: (array.dtype, array.shape, array.tobytes()) for name, array in arrays.items()}
        for silo, arrays in grid.silo_states()
    }


def _residual(state: RecordDict) -> NDArray[np.float64]:
    """Return what the codec of a silo that is sent one model has left behind."""
    kept = [arrays_of(r) for name, r in state.items() if name.startswith(STATE) and isinstance(r, ArrayRecord)]
    assert len(kept) <= 1
    size = sum(array.size for array in LIKE.values())
    return np.float64(kept[0]["residual"]) if kept and "residual" in kept[0] else np.zeros(size)


def _vector(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    return np.concatenate([np.float64(arrays[name]).reshape(-1) for name in LIKE])


@pytest.mark.parametrize("averaged", [False, True])
@pytest.mark.parametrize("codec", ["dense", "top-k", "threshold"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_message_without_an_accepted_reply_leaves_what_the_silo_keeps(fault: str, codec: str, averaged: bool) -> None:
    """To the byte; and from there on the silo answers as if it had not been asked."""
    mean = Mean() if averaged else None
    grid, spared = _open(InProcess(), build_codec(codec, {})), _open(InProcess(), build_codec(codec, {}))
    for both in (grid, spared):
        _ask(both, sent(1), "train", mean)
    before = _states(grid)
    answers = _ask(grid, sent(2, {1: fault}), "train", mean)
    if fault == "weight" and not averaged:
        assert not answers.failed, "nobody reads a weight where nothing is averaged"
        return
    if fault == "two records" and codec == "dense" and not averaged:
        assert not answers.failed, "several records travel as they are"
        return
    assert [outcome.request.silo for outcome in answers.failed] == [1]
    after = _states(grid)
    assert after[1] == before[1]
    assert after[0] != before[0]
    _ask(spared, sent(2), "train", mean, (0, 2))
    found, expected = (_ask(both, sent(3), "train", mean).good for both in (grid, spared))
    assert [_bits(reply.content) for reply in found] == [_bits(reply.content) for reply in expected]
    assert _states(grid) == _states(spared)


def _bits(content: RecordDict) -> list[bytes]:
    return [a.tobytes() for record in content.array_records.values() for a in arrays_of(record).values()]


def test_a_silo_that_drops_out_keeps_what_it_kept() -> None:
    grid = _open(InProcess(), build_codec("int8", {}), drop_out=DropOut(0.0, Streams(5)))
    _ask(grid, sent(1))
    before = _states(grid)
    dropping = _open(InProcess(), build_codec("int8", {}), drop_out=DropOut(1.0, Streams(5)))
    dropping.restore_silos(list(grid.silo_states()))
    assert len(_ask(dropping, sent(2)).failed) == 3
    assert _states(dropping) == before


@pytest.mark.parametrize("kind", ["train", "train.gradient"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("codec", FEEDBACK)
def test_what_arrived_and_what_is_left_behind_are_all_changes(codec: str, fault: str, kind: str) -> None:
    """Of the messages whose reply was accepted, whatever became of the others."""
    grid = _open(InProcess(), build_codec(codec, {}))
    total, received = np.zeros_like(_vector(LIKE)), np.zeros_like(_vector(LIKE))
    for step in range(1, 6):
        content = sent(step, {1: fault} if step in (1, 3, 4) else {})
        answers = _ask(grid, content, kind, Mean(), silos=(1,))
        if not answers.failed:
            ((name, record),) = answers.good[0].content.array_records.items()
            base = _vector(arrays_of(content.array_records["arrays"])) if name == "arrays" else 0
            received += _vector(arrays_of(record)) - base
            total += _vector(change_of(1, step, LIKE))
    assert np.abs(total).max() > 1
    ((_, kept),) = grid.silo_states()
    residual = _left(codec, kept)
    # Five messages of float32 numbers up to 16, half a unit in the last place each time they are rounded.
    np.testing.assert_allclose(received + residual, total, atol=5 * 4 * 16 * 2.0**-24)


def _left(codec: str, kept: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    return _residual(unpacked(kept))


def _own(state: RecordDict) -> dict[str, tuple[Any, ...]]:
    """Return what a node's app and codec keep, without what it takes to undo the last message."""
    own = {n: record for n, record in state.items() if n != JOURNAL and not n.startswith(BEFORE)}
    arrays = packed(RecordDict(dict(sorted(own.items()))))
    return {name: (array.dtype, array.shape, array.tobytes()) for name, array in arrays.items()}


@pytest.mark.parametrize("averaged", [False, True])
@pytest.mark.parametrize("fault", [*(f for f in FAULTS if f != "late"), "lost", "late", "doubled"])
def test_nodes_of_their_own_forget_what_the_server_did_not_accept(fault: str, averaged: bool) -> None:
    """Round for round they reply and keep what the silos of a simulation do, to the bit."""
    mean, codec = Mean() if averaged else None, build_codec("top-k", {"density": 0.1})
    nodes = Nodes(3, codec)
    far, near = _open(FlowerWorkers(nodes, 5.0), codec), _open(InProcess(), codec)
    for step in range(1, 7):
        is_faulty = step in (1, 3, 4)
        nodes.lost, nodes.late = ({1} if is_faulty and fault == name else set() for name in ("lost", "late"))
        nodes.doubled = {1} if is_faulty and fault == "doubled" else set()
        told = {1: fault} if is_faulty and fault in FAULTS and fault != "late" else {}
        found = _ask(far, sent(step, told), mean=mean)
        present = (0, 2) if is_faulty and fault in ("lost", "late", "doubled") else (0, 1, 2)
        expected = _ask(near, sent(step, told), mean=mean, silos=present)
        assert [_bits(reply.content) for reply in found.good] == [_bits(reply.content) for reply in expected.good]
        if fault != "doubled" and not is_faulty:
            assert [_own(context.state) for context in nodes.contexts.values()] == [
                _own(near._worker._kept[silo])
                for silo in range(3)  # type: ignore[attr-defined]
            ]


def test_a_node_keeps_twice_only_what_its_last_message_changed() -> None:
    nodes = Nodes(1, Dense())
    far = _open(FlowerWorkers(nodes, 5.0), Dense(), 1)
    (context,) = nodes.contexts.values()
    context.state["teacher"] = keepers.array_record({"w": np.ones(1000, np.float32)})
    for step in (1, 2):
        _ask(far, sent(step))
    assert {name for name in context.state if name.startswith(BEFORE)} == {
        BEFORE + name for name in ("velocity", "diary", "only of 1")
    }


@pytest.mark.parametrize("kind", ["train", "train.gradient"])
@pytest.mark.parametrize("far", [False, True])
def test_each_model_that_a_silo_is_sent_has_a_residual_of_its_own(far: bool, kind: str) -> None:
    """Two models in one exchange, in the same order each time, are kept apart without a name."""
    codec = build_codec("top-k", {"density": 0.05})
    both, one, other = (_open(FlowerWorkers(Nodes(1, codec), 5.0) if far else InProcess(), codec, 1) for _ in range(3))
    (node,) = both.get_node_ids()
    for step in (1, 2, 3):
        contents = [sent(10 * step), sent(10 * step + 1)]
        together = both.exchange([Message(content, node, kind) for content in contents], round=step).good
        apart = [
            grid.exchange([Message(c, node, kind)], round=step).good[0]
            for grid, c in zip((one, other), contents, strict=True)
        ]
        assert [_bits(reply.content) for reply in together] == [_bits(reply.content) for reply in apart]


def test_the_same_model_sent_twice_has_one_residual() -> None:
    codec = build_codec("top-k", {"density": 0.05})
    grid = _open(InProcess(), codec, 1)
    (node,), content = grid.get_node_ids(), sent(1)
    first, second = grid.exchange([Message(content, node, "train.gradient") for _ in range(2)], round=1).good
    assert _bits(first.content) != _bits(second.content)
    ((_, kept),) = grid.silo_states()
    expected = 2 * _vector(change_of(0, 1, LIKE))
    received = sum(_vector(arrays_of(reply.content["change"])) for reply in (first, second))
    np.testing.assert_allclose(received + _left("top-k", kept), expected, atol=1e-5)


@pytest.mark.parametrize(
    "models",
    [
        ({"model": "north"}, {"model": "south"}),
        ({"model": 1}, {"model": "1"}),
        ({"kind": "train"}, {"kind": "train.gradient"}),
        ({"shapes": SHAPES}, {"shapes": {**SHAPES, "bias": (31,)}}),
        ({"shapes": SHAPES}, {"shapes": {"weight": SHAPES["weight"]}}),
    ],
)
def test_models_are_told_apart_by_name_kind_and_layout(models: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """One model a round, in turn: what is left of one never enters the other, and none is refused."""
    codec = build_codec("top-k", {"density": 0.05})
    together, apart = _open(InProcess(), codec, 1), [_open(InProcess(), codec, 1) for _ in models]
    for step in range(6):
        told = dict(models[step % 2])
        kind, content = told.pop("kind", "train.gradient"), sent(step, **told)
        found, expected = (_ask(grid, content, kind, silos=(0,)) for grid in (together, apart[step % 2]))
        assert not found.failed
        assert _bits(found.good[0].content) == _bits(expected.good[0].content)


def test_what_is_kept_or_sent_to_several_cannot_be_written_to() -> None:
    """An app that forgets itself is refused, rather than heard by others."""

    class Writer(Keeper):
        def __call__(self) -> ClientApp:
            app = ClientApp()

            @app.train()
            def train(message: Message, context: Context) -> Message:
                record = context.state.setdefault("own", keepers.array_record({"w": np.zeros(3, np.float32)}))
                arrays_of(record)["w"][0] += 1  # type: ignore[arg-type]
                return Message(RecordDict(), reply_to=message)

            @app.train("gradient")
            def gradient(message: Message, context: Context) -> Message:
                arrays_of(message.content.array_records["arrays"])["bias"][0] = 7
                return Message(RecordDict(), reply_to=message)

            return app

    grid = InProcess().open_grid(Writer(), {0: {"silo": 0}}, Streams(5), Rules())
    assert not _ask(grid, sent(1), "train").failed
    before = _states(grid)
    assert "read-only" in str(_ask(grid, sent(2), "train").failed[0].error)
    assert "read-only" in str(_ask(grid, sent(2), "train.gradient").failed[0].error)
    assert _states(grid) == before


def test_ray_keeps_what_the_process_keeps(pool: RayWorkers) -> None:
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(keepers)
    found = []
    for workers in (InProcess(), pool):
        grid = _open(workers, build_codec("threshold", {}))
        for step, fault in enumerate(("", "nan", "late", "raise", ""), 1):
            _ask(grid, sent(step, {1: fault} if fault else {}), mean=Mean())
        found.append(_states(grid))
    assert found[0] == found[1]
    assert len(found[0]) == 3
