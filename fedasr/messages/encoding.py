"""Replies as a codec's blob: what a silo makes of its arrays, and what the other end makes of the blob.

A record that answers one of the same name (a model for a model) travels as its difference from what was
sent; any other record (a change, a gradient) has the layout of the one record that was sent and travels
as it is; of both only what comes back (`fedasr.messages.returned`). An exact codec has nothing to gain from
either and is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, RecordDict
from numpy.typing import NDArray

from fedasr.messages.records import array_record, array_records, arrays_of, metric_record
from fedasr.messages.returned import asked_back
from fedasr.wire.codec import Codec, Layout, State, WireError, check_float32

BLOB = "blob"
"""The one array of a record that travels encoded."""
STATE = "codec"
"""The record of a silo's state in which its codec keeps what it must remember."""
Arrays = Mapping[str, NDArray[Any]]


def encode_reply(content: RecordDict, sent: RecordDict, codec: Codec, state: RecordDict) -> None:
    """Put a blob in the place of a reply's arrays, and what the codec must remember into the silo's state.

    Parameters
    ----------
    content : RecordDict
        The reply; changed in place.
    sent : RecordDict
        What it answers.
    codec : Codec
    state : RecordDict
        The state of the silo; changed in place.

    Raises
    ------
    WireError
        Where the codec cannot carry the arrays; nothing is changed then.
    """
    records = array_records(content)
    if codec.is_exact or not records:
        return
    if len(records) != 1:
        raise WireError(f"a codec that loses bits carries one record of arrays a reply, not {len(records)}")
    (name, record), before = next(iter(records.items())), _state(state)
    blob, after = codec.encode(_change(arrays_of(record), sent, name), before)
    content[name] = array_record({BLOB: np.frombuffer(blob, np.uint8)})
    if after:
        state[STATE] = array_record(dict(after))
    metrics = metric_record(content)
    for fact, value in codec.facts(blob).items():
        metrics[fact] = value


def decode_reply(content: RecordDict, sent: RecordDict, codec: Codec) -> tuple[dict[str, Arrays], int]:
    """Return the arrays of each record of a reply, and the bytes of its blob.

    Raises
    ------
    WireError
        Where the blob is not what it should be.
    """
    records = array_records(content)
    if len(records) != 1 or list(next(iter(records.values()))) != [BLOB]:
        raise WireError("the reply is not one blob, though its row has a codec")
    name, record = next(iter(records.items()))
    base = sent.get(name)
    model = asked_back(sent, base if isinstance(base, ArrayRecord) else _only(sent))
    blob = arrays_of(record)[BLOB]
    if blob.dtype != np.uint8 or blob.ndim != 1:
        raise WireError("the blob is not a row of bytes")
    arrays: Arrays = codec.decode(blob.tobytes(), Layout.of(model))
    if isinstance(base, ArrayRecord):
        arrays = {key: np.add(model[key], arrays[key], dtype=np.float32) for key in model}
    return {name: arrays}, blob.size


def _change(arrays: Arrays, sent: RecordDict, name: str) -> Arrays:
    """Return what travels of some arrays, in the order of those that were sent: a blob holds no names."""
    base = sent.get(name)
    model = asked_back(sent, base if isinstance(base, ArrayRecord) else _only(sent))
    if arrays.keys() != model.keys():
        odd = sorted(set(arrays) ^ set(model))
        raise WireError(f"the arrays' names differ from those asked for: {', '.join(odd[:3])}")
    check_float32(arrays)
    if isinstance(base, ArrayRecord):
        return {key: np.subtract(arrays[key], model[key], dtype=np.float32) for key in model}
    return {key: arrays[key] for key in model}


def _state(state: RecordDict) -> State:
    record = state.get(STATE)
    return arrays_of(record) if isinstance(record, ArrayRecord) else {}


def _only(sent: RecordDict) -> ArrayRecord:
    records = array_records(sent)
    if len(records) != 1:
        raise WireError(f"the layout of a blob is that of the one record sent, not of {len(records)}")
    return next(iter(records.values()))
