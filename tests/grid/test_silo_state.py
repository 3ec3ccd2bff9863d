import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, MetricRecord, RecordDict
from hypothesis import given
from hypothesis import strategies as st

from fedasr.common.files import load_arrays, save_arrays
from fedasr.grid.silo_state import packed, unpacked
from fedasr.messages.records import array_record, arrays_of

names = st.text(min_size=1, max_size=6)
numbers = st.integers(-(2**40), 2**40) | st.floats(allow_nan=False)
configs = st.dictionaries(
    names, numbers | st.text() | st.binary() | st.booleans() | st.lists(st.text()) | st.lists(st.binary())
)
metrics = st.dictionaries(names, numbers | st.lists(st.integers(0, 9), min_size=1))
arrays = st.dictionaries(names, st.lists(st.floats(width=32), max_size=4).map(np.float32), max_size=3)


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
            assert dict(found[name]) == dict(record)


def test_it_survives_a_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    state = RecordDict(
        {"r": array_record({"a": np.float32([1, 2]), "0/1": np.array(3.5)}), "c": ConfigRecord({"n": 1})}
    )
    save_arrays(tmp_path / "0.safetensors", packed(state), {"silo": 0})
    found = unpacked(load_arrays(tmp_path / "0.safetensors")[0])
    assert {n: a.tolist() for n, a in arrays_of(found.array_records["r"]).items()} == {"a": [1, 2], "0/1": 3.5}
    assert found.config_records["c"]["n"] == 1
