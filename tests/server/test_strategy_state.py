import random
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from fedasr.strategies import fedavgm as ours
from fedasr.strategies.fedavg import FedAvgSettings
from fedasr.strategies.fedopt import FedOpt, FedOptSettings
from flwr.app import ArrayRecord, ConfigRecord, MetricRecord, RecordDict
from flwr.app import Message as FlowerMessage
from flwr.serverapp.strategy import FedAdagrad, FedAdam, FedAvgM, FedYogi, Strategy
from hypothesis import given
from hypothesis import strategies as st

from fedasr.common.files import load_arrays, save_arrays
from fedasr.grid.flower.identity import identify, node_of
from fedasr.messages.records import array_record, arrays_of
from fedasr.server.strategy_state import UnsavableError, restore, state_of

MAKERS = {
    "FedAdam": lambda: FedAdam(eta=0.1),
    "FedYogi": lambda: FedYogi(eta=0.1),
    "FedAdagrad": lambda: FedAdagrad(eta=0.1),
    "FedAvgM": lambda: FedAvgM(server_momentum=0.9, server_learning_rate=0.5),
    "momentum": lambda: ours.FedAvgM(ours.FedAvgMSettings(momentum=0.9, nesterov=True)),
    "adam": lambda: FedOpt(FedOptSettings(server_optimizer="adam", server_learning_rate=0.01)),
}


class _Grid:
    """As much of a grid as a strategy asks for."""

    def get_node_ids(self) -> list[int]:
        return [node_of(silo) for silo in range(3)]


def _round(strategy: Strategy, round: int, arrays: ArrayRecord) -> ArrayRecord:
    identify()
    random.seed(round)  # as the coordinator does: Flower sums in the order in which it has drawn silos
    messages = list(strategy.configure_train(round, arrays, ConfigRecord(), _Grid()))  # type: ignore[arg-type]
    replies = []
    for message in messages:
        silo = message.metadata.dst_node_id
        moved = {n: a * 0.9 + silo + round for n, a in arrays_of(message.content.array_records["arrays"]).items()}
        metrics = MetricRecord({"num-examples": silo, "loss": 0.5})
        message.metadata.__dict__["_message_id"] = str(silo)
        content = RecordDict({"arrays": array_record(moved), "metrics": metrics})
        replies.append(FlowerMessage(content, reply_to=message))
    found, _ = strategy.aggregate_train(round, replies)
    assert found is not None
    return found


def _bits(arrays: ArrayRecord) -> list[bytes]:
    return [array.tobytes() for array in arrays_of(arrays).values()]


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_a_strategy_restored_from_disk_goes_on_as_if_it_had_not_stopped(name: str, tmp_path: Path) -> None:
    make = MAKERS[name]
    start = array_record({"w": np.float32([[1, 2]]), "b": np.float32([3])})
    whole, arrays = make(), [start]
    for round in (1, 2, 3, 4):
        arrays.append(_round(whole, round, arrays[-1]))
        if round == 2:
            save_arrays(tmp_path / "state", state_of(whole), {})
    again = make()
    restore(again, load_arrays(tmp_path / "state")[0])
    found = arrays[2]
    for round in (3, 4):
        found = _round(again, round, found)
    assert _bits(found) == _bits(arrays[4])
    forgotten = _round(make(), 4, _round(make(), 3, arrays[2]))
    assert _bits(forgotten) != _bits(arrays[4]), "the state made no difference"


@dataclass
class _Part:
    rate: float = 1.0
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


class _Thing:
    def __init__(self) -> None:
        self.part = _Part()
        self.value: object = None
        self._hidden: object = None
        self.function = len


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_plain_values_come_back(value: object) -> None:
    thing, other = _Thing(), _Thing()
    thing.value = value
    restore(other, state_of(thing))
    assert other.value == value
    assert other.function is len


def test_arrays_records_and_parts_come_back() -> None:
    thing, other = _Thing(), _Thing()
    thing.part = _Part(0.5, {"m": np.arange(3.0), "v": np.array(2, np.int64)})
    thing.value = [np.float64(1.5), {"record": array_record({"w": np.float32([1])})}]
    restore(other, state_of(thing))
    assert other.part.rate == 0.5
    for name in ("m", "v"):
        np.testing.assert_array_equal(other.part.arrays[name], thing.part.arrays[name])
        assert other.part.arrays[name].dtype == thing.part.arrays[name].dtype
    assert isinstance(other.value, list)
    assert other.value[0] == 1.5
    assert arrays_of(other.value[1]["record"])["w"].tolist() == [1]


def test_private_attributes_come_back() -> None:
    """Anybody's strategy may keep its moments in them."""
    thing, other = _Thing(), _Thing()
    thing._hidden = {"moments": np.arange(3.0), "steps": 7}
    restore(other, state_of(thing))
    assert isinstance(other._hidden, dict)
    assert other._hidden["moments"].tolist() == [0, 1, 2]
    assert other._hidden["steps"] == 7


def test_what_comes_back_can_be_written_and_is_nobody_elses() -> None:
    thing, other = _Thing(), _Thing()
    thing.value, thing.part.arrays["m"] = np.zeros(3), np.zeros(2)
    state = state_of(thing)
    for array in state.values():
        array.setflags(write=False)  # as arrays are that lie in a file
    restore(other, state)
    assert isinstance(other.value, np.ndarray)
    other.value += 1
    other.part.arrays["m"] += 1
    assert thing.value.tolist() == [0, 0, 0]
    assert thing.part.arrays["m"].tolist() == [0, 0]


def test_settings_that_a_strategy_changed_come_back() -> None:
    """A frozen dataclass may be replaced by another: nothing is left out for what it looks like."""
    thing, other = _Thing(), _Thing()
    thing.value, other.value = FedAvgSettings("uniform"), FedAvgSettings("seconds")
    restore(other, state_of(thing))
    assert other.value == FedAvgSettings("uniform")


def test_what_cannot_be_written_down_is_refused() -> None:
    thing = _Thing()
    thing.value = object()
    with pytest.raises(UnsavableError, match="object"):
        state_of(thing)
