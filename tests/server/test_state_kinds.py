"""Whatever a strategy holds comes back as it was: types, values, and which names are names of one thing."""

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import logging
import pathlib
import random
import re
import sys
import types
import uuid
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp.strategy import DifferentialPrivacyServerSideFixedClipping, FedAvgM
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fedasr.common.files import load_arrays, save_arrays
from fedasr.grid.flower.identity import identify
from fedasr.messages.records import array_record
from fedasr.server.strategy_state import UnsavableError, restore, state_of


class Color(enum.Enum):
    RED = "red"
    BLUE = (1, 2)


class Level(enum.IntEnum):
    LOW = 1


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: float
    y: object


@dataclass
class Entry:
    loss: float = 0.0
    more: list[object] = field(default_factory=list)


@dataclass(frozen=True)
class Frozen:
    rate: float = 0.5


@dataclass(slots=True)
class Slotted:
    a: object = None
    b: object = 1


class Text(str):
    pass


class Count(int):
    pass


class History(list):  # type: ignore[type-arg]
    def append(self, value: object) -> None:
        super().append((len(self), value))


class Table(dict):  # type: ignore[type-arg]
    pass


class Schedule:
    """A callable that remembers its step, one attribute in a slot and one behind a property."""

    __slots__ = ("__dict__", "_step")

    def __init__(self) -> None:
        self._step = 0
        self.__hidden = [0.5]

    def __call__(self) -> float:
        self._step += 1
        self.__hidden.append(self._step)
        return 0.9**self._step

    @property
    def seen(self) -> tuple[int, list[float]]:
        return self._step, self.__hidden


def named(value: object) -> object:
    return value


def counter() -> Callable[[], int]:
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return count

    return step


class Holder:
    """As much of a strategy as holds something."""

    def __init__(self) -> None:
        self.value: Any = None
        self.schedule = Schedule()
        self.step = counter()
        self.named = named


def bits(value: float) -> str:
    return np.float64(value).tobytes().hex()


def same(one: Any, other: Any) -> bool:
    """Whether two values are of the same types and the same values, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return bits(one) == bits(other)
    if isinstance(one, complex):
        return same((one.real, one.imag), (other.real, other.imag))
    if isinstance(one, np.generic):
        return one.dtype == other.dtype and one.tobytes() == other.tobytes()
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and one.requires_grad == other.requires_grad and torch.equal(one, other)
    if isinstance(one, types.SimpleNamespace):
        return same_attributes(one, other)
    if isinstance(one, (ArrayRecord, MetricRecord, ConfigRecord, RecordDict)):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, collections.defaultdict) and one.default_factory is not other.default_factory:
        return False
    if isinstance(one, collections.deque) and one.maxlen != other.maxlen:
        return False
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items())) and same_attributes(one, other)
    if isinstance(one, (list, tuple, collections.deque)):
        return len(one) == len(other) and all(map(same, one, other)) and same_attributes(one, other)
    if isinstance(one, (set, frozenset)):
        return one == other and {(type(v), v) for v in one} == {(type(v), v) for v in other}
    if isinstance(one, (types.FunctionType, type, enum.Enum, types.ModuleType)):
        return one is other
    if dataclasses.is_dataclass(one):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one))
    if type(one).__eq__ is object.__eq__:
        return one is other or same_attributes(one, other)
    return bool(one == other)


def same_attributes(one: object, other: object) -> bool:
    ours, theirs = getattr(one, "__dict__", {}), getattr(other, "__dict__", {})
    return ours.keys() == theirs.keys() and all(same(ours[name], theirs[name]) for name in ours)


def back(thing: Any, tmp_path: Path | None = None) -> Any:
    """Return a new object of the class, restored from what another holds, by way of a file where there is one."""
    state, other = state_of(thing), type(thing)()
    if tmp_path is not None:
        save_arrays(tmp_path / "state", state, {})
        state = load_arrays(tmp_path / "state")[0]
    restore(other, state)
    return other


def holding(value: Any) -> Holder:
    holder = Holder()
    holder.value = value
    return holder


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.complex_numbers(),
    st.sampled_from([2**70, float("inf"), float("-nan"), "\ud800", Color.RED, Color.BLUE, Level.LOW]),
    st.sampled_from([Text("a"), Count(3), Rights.READ | Rights.WRITE, Frozen(0.1), Path("/a/b"), b"x" * 1000]),
    hnp.from_dtype(np.dtype("f8")), hnp.from_dtype(np.dtype("f2")), hnp.from_dtype(np.dtype("i8")),
    hnp.from_dtype(np.dtype("?")), hnp.from_dtype(np.dtype("c8")),
    st.datetimes(), st.timedeltas(), st.fractions(), st.decimals(allow_nan=False), st.dates(), st.uuids(),
)  # fmt: skip
KEYS = st.one_of(st.integers(), st.text(), st.binary(max_size=3), st.tuples(st.integers(), st.text(max_size=2)),
                 st.integers(-9, 9).map(np.int64), st.sampled_from([Level.LOW, None, Frozen(0.5)]))  # fmt: skip
ARRAYS = hnp.arrays(
    st.sampled_from(["f8", "f4", "f2", "i8", "u1", "?", "c16", "M8[s]", "U3", ">f8", "S2"]),
    hnp.array_shapes(min_dims=0, min_side=0, max_side=3),
)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists, tables = st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)
    return st.one_of(
        lists, lists.map(tuple), lists.map(collections.deque), lists.map(lambda v: collections.deque(v, 2)),
        lists.map(History), lists.map(lambda v: Entry(0.5, v)), lists.map(lambda v: Slotted(v)),
        lists.map(lambda v: Point(1.0, v)), lists.map(lambda v: types.SimpleNamespace(v=v)),
        tables, tables.map(collections.OrderedDict), tables.map(Table),
        tables.map(lambda v: collections.defaultdict(list, v)), st.sets(KEYS, max_size=3), st.frozensets(KEYS),
        st.dictionaries(KEYS, st.integers(), max_size=3).map(collections.Counter),
    )  # fmt: skip


@given(st.recursive(SCALARS | ARRAYS, containers, max_leaves=6))
def test_every_value_comes_back_with_its_type(value: object) -> None:
    found = back(holding(value)).value
    assert same(found, value), (found, value)


OTHERS: list[Any] = [
    -(10**6000), {10**6000: 1}, np.array(3.0), np.array("2020-01-01", "M8[D]"), np.longdouble(1) / 3,
    np.str_("a"), np.str_(""), np.bytes_(b"a"),
    np.datetime64("2020-01-01T00:00"), np.timedelta64(3, "s"), np.zeros(2, [("a", "f4"), ("b", "i8")]),
    bytearray(b"ab"), range(1, 9, 2), slice(1, None, 2), Ellipsis, NotImplemented, re.compile("a+", re.I),
    re.compile(b"a"), np.dtype("f4"), torch.float16, torch.device("cpu"), torch.Size([2, 3]), logging.getLogger("a.b"),
    logging.getLogger(), datetime.UTC, datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC, fold=1),
    datetime.time(3, 4), decimal.Decimal("NaN").__class__("1.10"), fractions.Fraction(1, 3),
    uuid.UUID(int=3), pathlib.PureWindowsPath("c:/a"), math := sys.modules["math"], int, collections.OrderedDict, len,
    np.add, named, torch.tensor([1.0, 2]), torch.tensor(3, dtype=torch.int64), torch.ones(2, requires_grad=True),
    torch.tensor([1.5], dtype=torch.bfloat16), torch.nn.Parameter(torch.ones(2, 2)), MetricRecord({"a": 1, "b": [0.5]}),
    ConfigRecord({"a": [b"x"], "b": [], "c": True, "d": "x"}), ArrayRecord({"a": Array(np.arange(3))}),
    array_record({"a": np.float16([1, 2])}), RecordDict({"m": MetricRecord({"a": 1.0})}), Array(np.arange(3.0)),
]  # fmt: skip


@pytest.mark.parametrize("value", OTHERS, ids=lambda value: type(value).__name__)
def test_values_of_libraries_come_back(value: object, tmp_path: Path) -> None:
    thing, new = holding(value), Holder()
    if isinstance(value, (types.ModuleType, types.BuiltinFunctionType, np.ufunc)):
        new.value = value  # what the new strategy refers to itself
    save_arrays(tmp_path / "state", state_of(thing), {})
    restore(new, load_arrays(tmp_path / "state")[0])
    assert same(new.value, value), (new.value, value)


GENERATORS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "numpy": (lambda: np.random.default_rng(3), lambda g: g.standard_normal(3).tolist()),
    "spawned": (lambda: np.random.default_rng(3), lambda g: g.spawn(1)[0].standard_normal(3).tolist()),
    "mersenne": (lambda: np.random.Generator(np.random.MT19937(3)), lambda g: g.standard_normal(3).tolist()),
    "philox": (lambda: np.random.Generator(np.random.Philox(3)), lambda g: g.integers(9, size=5).tolist()),
    "old": (lambda: np.random.RandomState(3), lambda g: g.randn(3).tolist()),
    "sequence": (lambda: np.random.SeedSequence(3, spawn_key=(1,)), lambda g: g.spawn(1)[0].generate_state(2).tolist()),
    "python": (lambda: random.Random(3), lambda g: [g.gauss(0, 1) for _ in range(3)]),
    "torch": (lambda: torch.Generator().manual_seed(3), lambda g: torch.randn(3, generator=g).tolist()),
}


@pytest.mark.parametrize("name", GENERATORS)
def test_generators_go_on(name: str, tmp_path: Path) -> None:
    make, draw = GENERATORS[name]
    thing = holding(make())
    draw(thing.value)
    other = back(thing, tmp_path)
    assert [draw(other.value) for _ in range(3)] == [draw(thing.value) for _ in range(3)]


def test_callables_remember() -> None:
    thing = Holder()
    [thing.schedule(), thing.schedule(), thing.step()]
    thing.value = [thing.schedule.__call__, functools.partial(named, [1])]
    other = Holder()
    other.value = [other.schedule.__call__]
    restore(other, state_of(thing))
    assert other.schedule.seen == (2, [0.5, 1, 2])
    assert other.step() == thing.step() == 2
    assert other.value[0].__self__ is other.schedule
    assert other.value[1]() == [1]
    assert other.named is named


def test_one_thing_of_two_names_is_one_thing() -> None:
    thing, array, shared = Holder(), np.arange(3.0), [1]
    record = array_record({"w": array})
    thing.value = {
        "a": array,
        "b": [array],
        "record": record,
        "lists": (shared, shared),
        "die": np.random.default_rng(1),
    }
    thing.value["same"] = thing.value["die"].bit_generator
    thing.value["self"], thing.value["loop"] = thing, thing.value
    other = back(thing)
    found = other.value
    assert found["a"] is found["b"][0] is found["record"]["w"].values
    assert found["lists"][0] is found["lists"][1]
    assert found["die"].bit_generator is found["same"]
    assert found["self"] is other
    assert found["loop"] is found
    apart = holding([np.zeros(2), np.zeros(2)])
    assert back(apart).value[0] is not back(apart).value[1]


def test_attributes_that_came_and_went() -> None:
    thing = Holder()
    del thing.value, thing.schedule._step
    thing.new, thing.__dict__["_private"] = 3, {"x": (1,)}  # type: ignore[attr-defined]
    other = back(thing)
    assert not hasattr(other, "value")
    assert not hasattr(other.schedule, "_step")
    assert (other.new, other._private) == (3, {"x": (1,)})


def test_torch_modules_and_their_optimizers_go_on() -> None:
    class Learning:
        def __init__(self) -> None:
            torch.manual_seed(0)
            self.model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
            self.optimizer = torch.optim.Adam(self.model.parameters(), 0.1)

        def learn(self) -> list[float]:
            self.optimizer.zero_grad()
            loss = self.model(torch.arange(12.0).view(4, 3)).square().sum()
            loss.backward()
            self.optimizer.step()
            return [parameter.sum().item() for parameter in self.model.parameters()]

    thing = Learning()
    [thing.learn() for _ in range(3)]
    other = back(thing)
    assert other.optimizer.param_groups[0]["params"][0] is other.model[0].weight
    assert [other.learn() for _ in range(3)] == [thing.learn() for _ in range(3)]
    assert other.model[1].num_batches_tracked.dtype == torch.int64


def test_wrappers_are_walked_into() -> None:
    def wrapped() -> Any:
        return DifferentialPrivacyServerSideFixedClipping(FedAvgM(server_momentum=0.5), 1.0, 1.0, 2)

    thing, other = wrapped(), wrapped()
    thing.strategy.momentum_vector = {"w": np.arange(2.0)}
    thing.current_arrays = array_record({"w": np.float32([1])})
    restore(other, state_of(thing))
    assert other.strategy.momentum_vector["w"].tolist() == [0, 1]
    assert same(other.current_arrays, thing.current_arrays)


def test_replies_that_are_kept_come_back() -> None:
    identify()
    message = Message(RecordDict({"m": MetricRecord({"a": 1.5})}), 3, "train", group_id="2")
    found = back(holding([message])).value[0]
    assert (found.metadata.dst_node_id, found.metadata.group_id, found.content["m"]["a"]) == (3, "2", 1.5)


NOT_TAKEN_BACK: dict[str, Any] = {
    "another function": lambda: 3, "another method": Schedule().__call__, "a module": sys.modules["os"],
    "a class that nothing supplies": type("Odd", (), {})(), "a function of os": sys.modules["os"].system,
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_TAKEN_BACK)
def test_what_the_new_strategy_does_not_supply_is_refused_and_nothing_is_changed(name: str) -> None:
    thing, other = holding(NOT_TAKEN_BACK[name]), holding("before")
    thing.schedule()
    with pytest.raises(UnsavableError):
        restore(other, state_of(thing))
    assert other.value == "before"
    assert other.schedule.seen == (0, [0.5])


@pytest.mark.parametrize("change", [
    (b'"object"', b'"given"'), (b'"at": 0', b'"at": 99'), (b"test_state_kinds:Schedule", b"os:system"),
    (b"nodes", b"edges"), (b"[", b"{"), (b"type server", b"type subprocess"),
])  # fmt: skip
def test_a_file_that_was_tampered_with_is_refused(change: tuple[bytes, bytes]) -> None:
    state = state_of(Holder())
    text = state["strategy"].tobytes()
    assert change[0] in text
    state["strategy"] = np.frombuffer(text.replace(*change), np.uint8)
    other = Holder()
    with pytest.raises(UnsavableError):
        restore(other, state)
    assert isinstance(other.schedule, Schedule)
    assert weakref.ref(other)() is other
