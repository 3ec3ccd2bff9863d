"""Every number arrives as it left: type and value, through either grid, summed or not, whatever it travels as."""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pytest
from flwr.app import ConfigRecord, Message, RecordDict
from hypothesis import given
from hypothesis import strategies as st
from support.toys import Says, open_toy

from fedasr.grid.exchange import Answers, Mean
from fedasr.grid.flower.flower_grid import FlowerWorkers
from fedasr.grid.in_process import InProcess
from fedasr.grid.rules import Rules
from fedasr.grid.silo_grid import SiloGrid
from fedasr.grid.workers import Workers
from fedasr.messages.records import array_record, arrays_of
from fedasr.wire.codecs_by_name import CODECS, build_codec

from .flower.test_flower_grid import OthersGrid

MODEL: dict[str, np.ndarray] = {
    "count": np.array(2**24 + 1, np.int64), "third": np.array([1 / 3, -1e300]), "half": np.float16([0.1, 6e4]),
    "single": np.float32([[0.1, 2]]), "mask": np.array([True, False]), "bytes": np.uint8([0, 255]),
    "empty": np.empty((0, 3)), "large": np.array([2**53], np.uint64), "least": np.array(-(2**15), np.int16),
}  # fmt: skip
LOSSY = [name for name in CODECS.known() if not build_codec(name, {}).is_exact]


def ask(grid: SiloGrid, sent: Mapping[str, np.ndarray], mean: Mean | None = None) -> Answers:
    content = RecordDict({"arrays": array_record(dict(sent)), "config": ConfigRecord({"server-round": 1})})
    return grid.exchange([Message(content, node, "train") for node in grid.get_node_ids()], round=1, mean=mean)


def answers(workers: Workers, says: Says, mean: Mean | None, rules: Rules | None = None) -> list[dict[str, np.ndarray]]:
    grid = open_toy(workers, len(says.arrays), says, rules=rules or Rules())  # type: ignore[arg-type]
    found = ask(grid, says.arrays[0], mean)
    assert not found.failed, found.failed
    return [arrays_of(reply.content["arrays"]) for reply in found.good]


def exact(arrays: Mapping[str, np.ndarray]) -> dict[str, tuple[np.dtype, tuple[int, ...], bytes]]:
    return {name: (array.dtype, array.shape, array.tobytes()) for name, array in arrays.items()}


@pytest.mark.parametrize("mean", [None, Mean()])
def test_types_and_values_arrive(workers: Workers, mean: Mean | None) -> None:
    """The mean of equal numbers is the number, whatever the weights: 3.7 and 11 are no powers of two."""
    found = answers(workers, Says((MODEL,) * 3, (1, 3.7, 11)), mean)
    for arrays in found:
        if mean is not None:  # a mean of floats is rounded once, in float64
            np.testing.assert_allclose(arrays["third"], MODEL["third"], rtol=1e-15)
            arrays = {**arrays, "third": MODEL["third"]}
        assert exact(arrays) == exact(MODEL)
    assert len(found) == (3 if mean is None else 1)


@pytest.mark.parametrize("mean", [None, Mean()])
def test_types_and_values_arrive_from_flowers_nodes(mean: Mean | None) -> None:
    flower = OthersGrid([1, 0], Says((MODEL, MODEL)))  # type: ignore[arg-type]
    grid = open_toy(FlowerWorkers(flower, 5.0), 2)
    for reply in ask(grid, MODEL, mean).good:
        assert exact(arrays_of(reply.content["arrays"])) == exact(MODEL)


def test_another_byte_order_is_the_same_number() -> None:
    (found,) = answers(InProcess(), Says(({"w": np.array([1.5, 1 / 3], ">f8")},)), None)
    assert exact(found) == exact({"w": np.array([1.5, 1 / 3])})


def test_the_mean_of_whole_numbers_is_not_rounded() -> None:
    counts = [{"n": np.int64([2, 4]), "on": np.array([True])}, {"n": np.int64([3, 4]), "on": np.array([False])}]
    (found,) = answers(InProcess(), Says(tuple(counts)), Mean())
    assert exact(found) == exact({"n": np.array([2.5, 4.0]), "on": np.array([0.5])})
    (found,) = answers(InProcess(), Says(({"n": np.int64([2])}, {"n": np.int64([4])})), Mean())
    assert exact(found) == exact({"n": np.int64([3])})


def test_replies_of_two_types_have_the_mean_of_the_wider() -> None:
    replies = ({"w": np.float32([0.5])}, {"w": np.array([1 / 3])})
    for order in (replies, replies[::-1]):
        (found,) = answers(InProcess(), Says(order), Mean())
        assert exact(found) == exact({"w": np.array([(0.5 + 1 / 3) / 2])})


@given(st.lists(st.tuples(st.integers(-(2**40), 2**40), st.integers(1, 200)), min_size=1, max_size=9))
def test_the_mean_is_that_of_exact_arithmetic(counted: list[tuple[int, int]]) -> None:
    """Products and sums stay below 2^53: one division is all that is rounded."""
    silos = tuple({"n": np.int64([count])} for count, _ in counted)
    (found,) = answers(InProcess(), Says(silos, tuple(weight for _, weight in counted)), Mean())
    mean = Fraction(sum(n * w for n, w in counted), sum(w for _, w in counted))
    assert found["n"].dtype == (np.int64 if mean.denominator == 1 else np.float64) or abs(mean) > 2**45
    assert found["n"][0] == pytest.approx(float(mean), rel=1e-15, abs=0)


@pytest.mark.parametrize(
    "array", [np.array([2**53 + 1]), np.array([-(2**62)]), np.uint64([2**63]), np.array([1j]), np.longdouble([1])]
)
def test_what_float64_cannot_average_is_refused_by_name_and_arrives_whole_where_it_is_not_averaged(
    array: np.ndarray,
) -> None:
    says = Says(({"w": np.ones(2), "odd": array},) * 2)
    grid = open_toy(InProcess(), 2, says)  # type: ignore[arg-type]
    failed = ask(grid, says.arrays[0], Mean()).failed
    assert [f"'odd' is {array.dtype}" in str(outcome.error) for outcome in failed] == [True, True]
    assert [exact(found) for found in answers(InProcess(), says, None)] == [exact(says.arrays[0])] * 2


@pytest.mark.parametrize("mean", [None, Mean()])
@pytest.mark.parametrize("codec", LOSSY)
def test_codecs_of_float32_refuse_other_types_by_name(codec: str, mean: Mean | None) -> None:
    rules = Rules(build_codec(codec, {}))
    for name in set(MODEL) - {"single"}:
        says = Says(({"single": MODEL["single"], name: MODEL[name]},))
        grid = open_toy(InProcess(), 1, says, rules=rules)  # type: ignore[arg-type]
        (failed,) = ask(grid, says.arrays[0], mean).failed
        assert f"'{name}' is {MODEL[name].dtype}" in str(failed.error)
        assert not list(grid.silo_states()), "a refused reply must leave no residual"
    (found,) = answers(InProcess(), Says(({"single": MODEL["single"]},)), mean, rules)
    assert found["single"].dtype == np.float32


def test_clipped_changes_are_summed_in_float64_whatever_the_type_of_the_model() -> None:
    for kind in (np.float32, np.float64):
        grid = open_toy(InProcess(), 2, Says(({"w": np.array([3, 4], kind)},) * 2))  # type: ignore[arg-type]
        (reply,) = ask(grid, {"w": np.zeros(2, kind)}, Mean(clip_norm=1.0)).good
        total = arrays_of(reply.content["change"])["w"]
        assert total.dtype == np.float64
        np.testing.assert_allclose(total, [1.2, 1.6], rtol=4 * np.finfo(np.float64).eps)


def test_bytes_are_those_of_the_types() -> None:
    grid = open_toy(InProcess(), 2, Says((MODEL, MODEL)))  # type: ignore[arg-type]
    ask(grid, MODEL)
    size = 20 + sum(array.nbytes for array in MODEL.values())
    traffic, _ = grid.log.drain()
    assert {message.blob_bytes for message in traffic} == {size}
