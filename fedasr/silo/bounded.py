"""What may leave a silo of what it trained: a reply's arrays, as the row's protection bounds them."""

from __future__ import annotations

from typing import Any

from flwr.app import ArrayRecord, RecordDict
from numpy.typing import NDArray

from fedasr.messages.records import array_record, array_records, arrays_of, flat_name
from fedasr.protection.gradient_plan import GradientPlan

Arrays = dict[str, NDArray[Any]]


def bounded_reply(plan: GradientPlan, sent: RecordDict, content: RecordDict) -> RecordDict:
    """Return a reply whose arrays a protection has bounded: those of all records together, in the order of their names.

    Parameters
    ----------
    plan : GradientPlan
    sent : RecordDict
        The message.
    content : RecordDict
        The reply, as the silo made it.
    """
    records = {name: arrays_of(record) for name, record in sorted(array_records(content).items())}
    reply = {flat_name(name, key): array for name, arrays in records.items() for key, array in arrays.items()}
    found = plan.bounded(reply, _answered(sent, records)) if reply else reply
    if found is reply:
        return content
    made = {n: array_record({key: found[flat_name(n, key)] for key in arrays}) for n, arrays in records.items()}
    return RecordDict({name: made.get(name, record) for name, record in content.items()})


def _answered(sent: RecordDict, records: dict[str, Arrays]) -> Arrays:
    """Return the arrays that were sent under the same names; one of another shape answers nothing, and is refused."""
    found = {}
    for name, arrays in records.items():
        record = sent.get(name)
        before = arrays_of(record) if isinstance(record, ArrayRecord) else {}
        same = {k: before[k] for k, array in arrays.items() if k in before and before[k].shape == array.shape}
        found.update({flat_name(name, key): array for key, array in same.items()})
    return found
