import pickle

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fedasr.grid.flower.identity import SERVER_NODE, error_reply, identify, node_of, silo_of
from fedasr.messages.records import ViewArray, array_record, arrays_of, envelope_bytes

arrays = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.float16, np.int64, np.uint8, np.bool_]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


@given(arrays)
def test_a_view_is_to_flower_what_its_own_array_is(values: np.ndarray) -> None:
    view, own = ViewArray(values), Array(values)
    assert isinstance(view, Array)
    assert (view.dtype, tuple(view.shape), view.stype) == (own.dtype, tuple(own.shape), own.stype)
    assert view.data == own.data
    np.testing.assert_array_equal(view.numpy(), own.numpy())
    assert view.numpy().dtype == own.numpy().dtype


@given(arrays)
def test_a_view_survives_pickle(values: np.ndarray) -> None:
    again = pickle.loads(pickle.dumps(ViewArray(values)))
    assert isinstance(again, ViewArray)
    assert again.data == Array(values).data


def test_flower_can_read_what_a_view_sends() -> None:
    values = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    view = ViewArray(values)
    received = Array(dtype=view.dtype, shape=tuple(view.shape), stype=view.stype, data=view.data)
    np.testing.assert_array_equal(received.numpy(), values)


def test_numpy_gives_a_copy_and_the_record_none() -> None:
    values = np.zeros(3, np.float32)
    record = array_record({"a": values})
    record["a"].numpy()[:] = 1
    assert not values.any()
    assert np.shares_memory(arrays_of(record)["a"], values)


def test_flowers_own_methods_read_our_records() -> None:
    model = {"a": np.float32([1, 2]), "b": np.float32([[3]])}
    record = array_record(model)
    assert [array.tolist() for array in record.to_numpy_ndarrays()] == [[1, 2], [[3]]]
    assert {name: tensor.tolist() for name, tensor in record.to_torch_state_dict().items()} == {
        "a": [1, 2], "b": [[3]],
    }  # fmt: skip
    own = ArrayRecord({name: Array(array) for name, array in model.items()})
    for name, array in arrays_of(own).items():
        np.testing.assert_array_equal(array, model[name])


def test_a_messages_envelope_is_what_flower_would_send_of_it() -> None:
    config, metrics = ConfigRecord({"a": "text"}), MetricRecord({"b": 1.5})
    content = RecordDict({"arrays": array_record({"w": np.zeros(99)}), "config": config, "metrics": metrics})
    expected = len(config.deflate()) + len(metrics.deflate()) + len("arraysconfigmetrics")
    assert envelope_bytes(content) == expected


@pytest.mark.parametrize("silo", [0, 1, 999])
def test_nodes_and_silos_are_one_to_one(silo: int) -> None:
    assert silo_of(node_of(silo)) == silo
    assert node_of(silo) > SERVER_NODE


def test_an_error_reply_names_its_silo_and_reason() -> None:
    identify()
    reply = error_reply(Message(RecordDict(), node_of(4), "train"), "why")
    assert reply.has_error()
    assert reply.error.reason == "why"
    assert silo_of(reply.metadata.src_node_id) == 4
