"""Flower's records and arrays without copies, and their sizes as sent."""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, MetricRecord, RecordDict
from numpy.typing import NDArray

ARRAYS, CONFIG, METRICS = "arrays", "config", "metrics"
"""The record names that Flower's strategies use."""
CHANGE = "change"
"""The record of a change: as long a name as that of a model, so that their envelopes weigh the same."""
NUMPY = "numpy.ndarray"


NPY_1 = b"\x93NUMPY\x01\x00"
"""How an array begins in version 1 of NumPy's format."""


class ViewArray(Array):
    """A Flower array that holds a NumPy array and makes its bytes only where somebody asks for them.

    Flower's own serialises at once; for ten million values that costs more than training on them.
    """

    values: NDArray[Any]

    def __init__(self, values: NDArray[Any]) -> None:
        # Past Flower's __setattr__, which keeps account of changes that a view never sees.
        self.__dict__.update(values=values, dtype=str(values.dtype), shape=values.shape, stype=NUMPY)

    @property
    def data(self) -> bytes:  # type: ignore[override]
        """The bytes that Flower's own array would hold."""
        return Array.from_numpy_ndarray(self.values).data

    def numpy(self) -> NDArray[Any]:
        """Return a copy, as Flower's own array does."""
        return np.array(self.values)

    def deflate(self) -> bytes:
        """Return what travels through Flower: an array of its own class, for a SuperLink takes no other."""
        return Array(self.dtype, self.shape, self.stype, self.data).deflate()

    def __reduce__(self) -> tuple[Any, ...]:
        return ViewArray, (self.values,)


def array_record(arrays: Mapping[str, NDArray[Any]]) -> ArrayRecord:
    """Return a record of arrays, nothing copied."""
    record = ArrayRecord()
    for name, array in arrays.items():  # the constructor would make Flower's own arrays of them: copies
        record[name] = ViewArray(np.asarray(array))
    return record


def arrays_of(record: ArrayRecord) -> dict[str, NDArray[Any]]:
    """Return the arrays of a record, read-only where that saves a copy."""
    return {name: _values(array) for name, array in record.items()}


def viewed(content: RecordDict) -> RecordDict:
    """Return a content with the same records, its arrays as views that nobody can write to and that are not copied."""
    return RecordDict(
        {
            name: array_record({key: _sealed(array) for key, array in arrays_of(record).items()})
            if isinstance(record, ArrayRecord)
            else record
            for name, record in content.items()
        }
    )


def _sealed(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array that cannot be written to: itself, where it is one."""
    if not array.flags.writeable:
        return array
    view = array.view()
    view.flags.writeable = False
    return view


def metric_record(content: RecordDict) -> MetricRecord:
    """Return the first metric record of a content, or an empty one."""
    for record in content.values():
        if isinstance(record, MetricRecord):
            return record
    return MetricRecord()


def array_records(content: RecordDict) -> dict[str, ArrayRecord]:
    """Return the array records of a content; Flower's own property checks every one of them again."""
    return {name: record for name, record in content.items() if isinstance(record, ArrayRecord)}


def like_of(sent: RecordDict, name: str) -> ArrayRecord:
    """Return the record of a message whose layout a reply's record of some name has.

    That of the same name (a model for a model); else the model that was sent, whose change, gradient or control variate
    it is.

    Raises
    ------
    ValueError
        Where several records were sent and none is the model.
    """
    records = array_records(sent)
    found = records.get(name) or records.get(ARRAYS)
    if found is None and len(records) != 1:
        raise ValueError(f"of the {len(records)} records that were sent none has the layout of '{name}'")
    return next(iter(records.values())) if found is None else found


def flat_name(record: str, name: str) -> str:
    """Return under which name an array of a record stands where all records of a reply are one vector."""
    return f"{record}/{name}"


def _values(array: Array) -> NDArray[Any]:
    if isinstance(array, ViewArray):
        return array.values
    data = array.data
    if array.stype != NUMPY or data[:8] != NPY_1:
        return array.numpy()
    start = 10 + int.from_bytes(data[8:10], "little")
    shape, order, dtype = _npy_header(data[8:start])
    flat = np.frombuffer(data, dtype, math.prod(shape), start) if start < len(data) else np.empty(0, dtype)
    return flat.reshape(shape, order=order)


@functools.lru_cache(maxsize=1024)
def _npy_header(header: bytes) -> tuple[tuple[int, ...], Literal["C", "F"], np.dtype[Any]]:
    """Return shape, order and type of an array in NumPy's format; models repeat a few of them."""
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(io.BytesIO(header))
    if dtype.hasobject:
        raise ValueError("arrays of Python objects are not accepted")
    return shape, "F" if is_fortran else "C", dtype


def own_copy(content: RecordDict) -> RecordDict:
    """Return a content whose records one silo may change without another seeing it; no array is copied.

    Past Flower's constructors, which check every key and value again.
    """
    own = content.copy()
    own.__dict__["_data"] = {name: _own_record(record) for name, record in content.items()}
    return own


def _own_record(record: Any) -> Any:
    own = record.copy()
    if not isinstance(record, ArrayRecord):
        lists = {key: list(value) for key, value in record.items() if isinstance(value, list)}
        own.__dict__["_data"].update(lists)
    return own


def arrays_alone(content: RecordDict) -> RecordDict:
    """Return the array records of a content and nothing else: no metric, no text."""
    return RecordDict(dict(array_records(content)))


def envelope_bytes(content: RecordDict) -> int:
    """Return the bytes of everything in a message's content but its arrays, as Flower sends it."""
    others = (r for r in content.values() if isinstance(r, (ConfigRecord, MetricRecord)))
    return sum(map(_record_bytes, others)) + sum(len(name.encode()) for name in content)


def _record_bytes(record: ConfigRecord | MetricRecord) -> int:
    if isinstance(record, ConfigRecord) or not all(isinstance(value, (int, float)) for value in record.values()):
        return len(record.deflate())
    # Numbers of floating point are all of the same size: the silos' metrics differ in little else.
    alike = ((key, float, 0.0) if isinstance(value, float) else (key, int, value) for key, value in record.items())
    return _metric_bytes(tuple(alike))


@functools.lru_cache(maxsize=4096)
def _metric_bytes(entries: tuple[tuple[str, type, Any], ...]) -> int:
    return len(MetricRecord({key: value for key, _, value in entries}).deflate())
