"""What a silo keeps between messages (Flower's ``Context.state``) as arrays: types and values, and no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, MetricRecord, RecordDict
from numpy.typing import NDArray

from fedasr.common.exact_scalars import read, written
from fedasr.messages.records import array_record, arrays_of

SKELETON = "records"
Arrays = dict[str, NDArray[Any]]
KINDS: dict[str, type[ConfigRecord] | type[MetricRecord]] = {"config": ConfigRecord, "metric": MetricRecord}


def packed(state: RecordDict) -> Arrays:
    """Return the records of a silo's state as arrays by name."""
    arrays: Arrays = {}
    records: list[list[Any]] = []
    for number, (name, record) in enumerate(state.items()):
        if isinstance(record, ArrayRecord):
            content = arrays_of(record)
            arrays |= {f"{number}/{place}": array for place, array in enumerate(content.values())}
            records.append([name, "arrays", list(content)])
        else:
            kind = "config" if isinstance(record, ConfigRecord) else "metric"
            records.append([name, kind, [[key, _plain(value)] for key, value in record.items()]])
    return {SKELETON: np.frombuffer(json.dumps(records).encode(), np.uint8), **arrays}


def unpacked(arrays: Mapping[str, NDArray[Any]]) -> RecordDict:
    """Return the records that `packed` was given."""
    state = RecordDict()
    for number, (name, kind, content) in enumerate(json.loads(arrays[SKELETON].tobytes())):
        if kind == "arrays":
            state[name] = array_record({key: arrays[f"{number}/{place}"] for place, key in enumerate(content)})
        else:
            pairs = content.items() if isinstance(content, dict) else content  # version 0.1 wrote an object
            state[name] = KINDS[kind]({key: _value(value) for key, value in pairs})
    return state


def _plain(value: Any) -> Any:
    return [written(item) for item in value] if isinstance(value, list) else written(value)


def _value(value: Any) -> Any:
    return [read(item) for item in value] if isinstance(value, list) else read(value)
