"""Replies as a codec's blob: what a silo makes of its arrays, and what the other end makes of the blob.

A record that answers one of the same name (a model for a model) travels as its difference from what was
sent; any other record (a change, a gradient, a control variate) has the layout of the model that was sent and
travels as it is; of both only what comes back (`fedasr.messages.coded.returned`). All records of a reply are one
vector, in the order of their names, and one blob: it stands in the first of them, and the others are empty. An exact
codec has nothing to gain from any of this and is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, RecordDict
from numpy.typing import NDArray

from fedasr.messages.coded.residuals import record_name
from fedasr.messages.coded.returned import asked_back
from fedasr.messages.records import array_record, array_records, arrays_of, flat_name, like_of, metric_record
from fedasr.wire.codec import Codec, Layout, State, WireError, check_float32

BLOB = "blob"
"""The one array of a record that travels encoded."""
Arrays = Mapping[str, NDArray[Any]]


def encode_reply(content: RecordDict, sent: RecordDict, codec: Codec, state: RecordDict, model: str = "") -> None:
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
    model : str
        Which model it is (`fedasr.messages.coded.residuals`): residuals of several are kept apart.

    Raises
    ------
    WireError
        Where the codec cannot carry the arrays; nothing is changed then.
    """
    records = array_records(content)
    if codec.is_exact or not records:
        return
    names = sorted(records)
    flat = {
        flat_name(name, key): array
        for name in names
        for key, array in _change(arrays_of(records[name]), sent, name).items()
    }
    remembered = record_name(model, Layout.of(flat))
    blob, after = codec.encode(flat, _kept(state, remembered))
    for name in names:
        content[name] = array_record({BLOB: np.frombuffer(blob, np.uint8)} if name == names[0] else {})
    if after:
        state[remembered] = array_record(dict(after))
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
    names = sorted(records)
    if not names or [list(records[name]) for name in names] != [[BLOB], *([] for _ in names[1:])]:
        raise WireError("the reply is not one blob, though its row has a codec")
    blob = arrays_of(records[names[0]])[BLOB]
    if blob.dtype != np.uint8 or blob.ndim != 1:
        raise WireError("the blob is not a row of bytes")
    models = {name: _layout(sent, name) for name in names}
    flat = {flat_name(name, key): array for name, model in models.items() for key, array in model.items()}
    found = codec.decode(blob.tobytes(), Layout.of(flat))
    arrays = {name: {key: found[flat_name(name, key)] for key in model} for name, model in models.items()}
    for name in names:
        if isinstance(sent.get(name), ArrayRecord):
            model = models[name]
            arrays[name] = {k: np.add(model[k], arrays[name][k], dtype=np.float32) for k in model}
    return dict(arrays), blob.size


def _change(arrays: Arrays, sent: RecordDict, name: str) -> Arrays:
    """Return what travels of some arrays, in the order of those that were sent: a blob holds no names."""
    base, model = sent.get(name), _layout(sent, name)
    if arrays.keys() != model.keys():
        odd = sorted(set(arrays) ^ set(model))
        raise WireError(f"the arrays' names differ from those asked for: {', '.join(odd[:3])}")
    check_float32(arrays)
    if isinstance(base, ArrayRecord):
        return {key: np.subtract(arrays[key], model[key], dtype=np.float32) for key in model}
    return {key: arrays[key] for key in model}


def _kept(state: RecordDict, name: str) -> State:
    record = state.get(name)
    return arrays_of(record) if isinstance(record, ArrayRecord) else {}


def _layout(sent: RecordDict, name: str) -> Arrays:
    """Return arrays of the layout of a reply's record."""
    try:
        return asked_back(sent, like_of(sent, name))
    except ValueError as error:
        raise WireError(str(error)) from error
