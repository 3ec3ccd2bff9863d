import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, MetricRecord, RecordDict
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fedasr.common.files import load_arrays, save_arrays
from fedasr.grid.silo_state import packed, unpacked
from fedasr.messages.records import array_record, arrays_of

names = st.text(min_size=1, max_size=6)
numbers = st.integers(-(2**70), 2**70) | st.floats() | st.floats().map(np.float64)
lists = st.lists(st.integers(0, 9), max_size=3) | st.lists(st.floats(), max_size=3)
configs = st.dictionaries(
    names,
    numbers | lists | st.text() | st.binary() | st.booleans() | st.lists(st.text()) | st.lists(st.binary())
    | st.lists(st.booleans()),
)  # fmt: skip
metrics = st.dictionaries(names, numbers | lists)
TYPES = ["f8", "f4", "f2", "i8", "i1", "u8", "?", "c16", "c8", ">f8", "U2", "M8[s]"]
arrays = st.dictionaries(
    names, hnp.arrays(st.sampled_from(TYPES), hnp.array_shapes(min_dims=0, min_side=0)), max_size=3
)


@given(
    st.dictionaries(names, configs.map(ConfigRecord) | metrics.map(MetricRecord) | arrays.map(array_record), max_size=4)
)
def test_every_record_comes_back(records: dict[str, ArrayRecord | ConfigRecord | MetricRecord]) -> None:
    found = unpacked(packed(RecordDict(records)))
    assert list(found) == list(records)
    for name, record in records.items():
        assert type(found[name]) is type(record)
        if isinstance(record, ArrayRecord):
            ours, theirs = arrays_of(record), arrays_of(found[name])  # type: ignore[arg-type]
            assert {n: (a.dtype, a.shape, a.tobytes()) for n, a in ours.items()} == {
                n: (a.dtype, a.shape, a.tobytes()) for n, a in theirs.items()
            }
        else:
            ours, theirs = ({k: exact(v) for k, v in kept.items()} for kept in (record, found[name]))
            assert ours == theirs


def exact(value: object) -> object:
    """Return what tells a value and its type from any other: 1 is not 1.0, nor True, and one NaN not another."""
    if isinstance(value, list):
        return [exact(item) for item in value]
    return type(value), np.float64(value).tobytes() if isinstance(value, float) else value


def test_it_survives_a_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    state = RecordDict(
        {"r": array_record({"a": np.float32([1, 2]), "0/1": np.array(3.5)}), "c": ConfigRecord({"n": 1}),
         "odd": array_record({"c": np.array([1j]), "t": np.array("ab"), "e": np.empty((0, 2), ">i4")})}
    )  # fmt: skip
    save_arrays(tmp_path / "0.safetensors", packed(state), {"silo": 0})
    found = unpacked(load_arrays(tmp_path / "0.safetensors")[0])
    assert {n: a.tolist() for n, a in arrays_of(found.array_records["r"]).items()} == {"a": [1, 2], "0/1": 3.5}
    assert found.config_records["c"]["n"] == 1
    odd = arrays_of(found.array_records["odd"])
    assert {n: (a.dtype.str, a.shape, a.tolist()) for n, a in odd.items()} == {
        "c": ("<c16", (1,), [1j]), "t": ("<U2", (), "ab"), "e": (">i4", (0, 2), [])
    }  # fmt: skip
