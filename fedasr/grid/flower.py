"""The one adapter to Flower's insides: identity, arrays without copies, sizes as sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, MetricRecord, RecordDict
from flwr.supercore.task_identity import TaskIdentity
from numpy.typing import NDArray

SERVER_NODE = 1
"""The node number of the server; silo n is node n + 2."""
NUMPY = "numpy.ndarray"


def identify() -> None:
    """Give this process the identity without which Flower makes no message, unless Flower's runtime gave one."""
    try:
        _ = TaskIdentity.node_id
    except RuntimeError:
        TaskIdentity.task_id = 0
        TaskIdentity.run_id = 0
        TaskIdentity.node_id = SERVER_NODE


def node_of(silo: int) -> int:
    """Return the node number of a silo."""
    return silo + SERVER_NODE + 1


def silo_of(node: int) -> int:
    """Return the silo of a node number."""
    return node - SERVER_NODE - 1


class ViewArray(Array):
    """A Flower array that holds a NumPy array and makes its bytes only where somebody asks for them.

    Flower's own serialises at once; for ten million values that costs more than training on them.
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values
        self.dtype = str(values.dtype)
        self.shape = tuple(values.shape)
        self.stype = NUMPY

    @property
    def data(self) -> bytes:  # type: ignore[override]
        """The bytes that Flower's own array would hold."""
        return Array.from_numpy_ndarray(np.ascontiguousarray(self.values)).data

    def numpy(self) -> NDArray[Any]:
        """Return a copy, as Flower's own array does."""
        return np.array(self.values)

    def __reduce__(self) -> tuple[Any, ...]:
        return ViewArray, (self.values,)


def array_record(arrays: Mapping[str, NDArray[Any]]) -> ArrayRecord:
    """Return a record of arrays, nothing copied."""
    return ArrayRecord({name: ViewArray(np.asarray(array)) for name, array in arrays.items()})


def arrays_of(record: ArrayRecord) -> dict[str, NDArray[Any]]:
    """Return the arrays of a record, read-only where that saves a copy."""
    return {name: _values(array) for name, array in record.items()}


def _values(array: Array) -> NDArray[Any]:
    return array.values if isinstance(array, ViewArray) else array.numpy()


def name_message(message: Message, name: str) -> None:
    """Give a message the id that Flower's own link would give it, unless it has one."""
    if not message.metadata.message_id:
        message.metadata.__dict__["_message_id"] = name


def envelope_bytes(content: RecordDict) -> int:
    """Return the bytes of everything in a message's content but its arrays, as Flower sends it."""
    others = (r for r in content.values() if isinstance(r, (ConfigRecord, MetricRecord)))
    return sum(len(record.deflate()) for record in others) + sum(len(name.encode()) for name in content)


def error_reply(message: Message, reason: str) -> Message:
    """Return a reply that says why there is none."""
    return Message(Error(code=CLIENT_APP_FAILED, reason=reason), reply_to=message)


CLIENT_APP_FAILED = 2
"""Flower's error code for a ClientApp that raised an exception."""
