"""What a silo that is elsewhere keeps: its state after the last message, and what it takes to undo that message."""

from __future__ import annotations

from typing import cast

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, MetricRecord, RecordDict
from numpy.typing import NDArray

from fedasr.common.errors import RowError
from fedasr.messages.elsewhere.receipt import Receipt
from fedasr.messages.records import arrays_of

JOURNAL, BEFORE = "fedasr.journal", "fedasr.before/"
"""The record that says which message changed the state, and how records begin that hold what it changed."""
Record = ArrayRecord | ConfigRecord | MetricRecord


def opened(kept: RecordDict, receipt: Receipt | None) -> RecordDict:
    """Return a silo's state as the messages left it whose replies were accepted.

    Parameters
    ----------
    kept : RecordDict
        What `closed` returned; nothing at first.
    receipt : Receipt, optional
        What the new message says of those before it. A server that says nothing accepted them all.

    Raises
    ------
    RowError
        Where the message is older than the last, or the server's account does not fit what is kept.
    """
    own = {name: record for name, record in kept.items() if name != JOURNAL and not name.startswith(BEFORE)}
    journal = kept.get(JOURNAL)
    if receipt is None or not isinstance(journal, ConfigRecord):
        return RecordDict(own)
    number, base = (int(cast(int, journal[key])) for key in ("number", "base"))
    if receipt.number <= number:
        raise RowError(f"message {receipt.number} came after message {number} was answered")
    if receipt.accepted == number:
        return RecordDict(own)
    if receipt.accepted != base:
        raise RowError(f"the server accepted reply {receipt.accepted}; this node remembers {base} and {number} alone")
    for name in cast("list[str]", journal["added"]):
        del own[name]
    before = {n.removeprefix(BEFORE): record for n, record in kept.items() if n.startswith(BEFORE)}
    return RecordDict(own | before)


def closed(before: RecordDict, after: RecordDict, receipt: Receipt | None) -> RecordDict:
    """Return what a silo keeps of a message that changed its state: records that stayed the same are kept once.

    Parameters
    ----------
    before : RecordDict
        What `opened` returned.
    after : RecordDict
    receipt : Receipt, optional
        That of the message.
    """
    if receipt is None or not (before or after):
        return after
    changed = {BEFORE + n: record for n, record in before.items() if n not in after or not _same(record, after[n])}
    added = [name for name in after if name not in before]
    journal = ConfigRecord({"number": receipt.number, "base": receipt.accepted, "added": added})
    return RecordDict({**after, **changed, JOURNAL: journal})


def _same(one: Record, other: Record) -> bool:
    if isinstance(one, ArrayRecord) and isinstance(other, ArrayRecord):
        ours, theirs = arrays_of(one), arrays_of(other)
        return list(ours) == list(theirs) and all(_alike(ours[name], theirs[name]) for name in ours)
    return type(one) is type(other) and dict(one) == dict(other)


def _alike(one: NDArray[np.generic], other: NDArray[np.generic]) -> bool:
    if one is other:
        return True
    return (one.dtype, one.shape) == (other.dtype, other.shape) and bool(np.array_equal(_bytes(one), _bytes(other)))


def _bytes(array: NDArray[np.generic]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)
