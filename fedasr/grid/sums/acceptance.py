"""Whether a reply is acceptable, how it arrives, and how it enters a sum."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, RecordDict
from numpy.typing import NDArray

from fedasr.common.number_types import averageable
from fedasr.grid.exchange import Mean
from fedasr.grid.sums.terms import Reply
from fedasr.messages.coded.encoding import decode_reply
from fedasr.messages.coded.returned import returned_names
from fedasr.messages.kinds import Kind
from fedasr.messages.records import array_records, arrays_of, flat_name, like_of, metric_record
from fedasr.protection.clipping.bounds import NO_LAYERS, Bounds
from fedasr.protection.clipping.cut import array_norms, cut_arrays
from fedasr.wire.codec import Codec, WireError

Arrays = Mapping[str, NDArray[Any]]


FEW = 4096
"""Up to how many values it is as fast to look at each as to sum them."""


class RefusedError(ValueError):
    """A reply is not acceptable."""


def term_of(kind: Kind, sent: RecordDict, delivered: Mapping[str, Arrays], content: RecordDict, mean: Mean) -> Reply:
    """Return how a reply enters a sum, all its records as one vector: as it is, with its weight, or clipped changes."""
    if set(delivered) != set(kind.carries) if kind.carries else len(delivered) != 1:
        wanted = f"the records {', '.join(sorted(kind.carries))}" if kind.carries else "one record of arrays"
        raise RefusedError(
            f"a reply that is to be averaged must hold {wanted}, not {', '.join(sorted(delivered)) or 'none'}"
        )
    records = {name: _as_sent(sent, name, delivered[name]) for name in sorted(delivered)}
    if mean.clip_norm is None:
        return Reply.of(_flat(records), reply_weight(content, mean))
    changes = {name: _change(arrays, sent, name) for name, arrays in records.items()}
    bounded = clipped(_flat(changes), mean.clip_norm, mean.layer_bounds)
    return Reply.of(bounded if mean.grid is None else mean.grid.contribution(bounded, mean.clip_norm), 1.0)


def _flat(records: Mapping[str, Arrays]) -> Arrays:
    return {flat_name(name, key): array for name, arrays in records.items() for key, array in arrays.items()}


def _change(arrays: Arrays, sent: RecordDict, name: str) -> Arrays:
    """Return how far a model lies from the one that was sent; a change is one already."""
    base = sent.get(name)
    if not isinstance(base, ArrayRecord):
        return arrays
    old = arrays_of(base)
    return {key: np.subtract(array, old[key], dtype=np.float64) for key, array in arrays.items()}


def clipped(arrays: Arrays, largest: float, layer_bounds: str = NO_LAYERS) -> Arrays:
    """Return arrays scaled down to a largest L2 norm, together or each to its share of it, in float64."""
    bounds = Bounds.divided({name: array.size for name, array in arrays.items()}, largest, layer_bounds)
    norms = array_norms(arrays, bounds)
    if not all(map(math.isfinite, norms)):  # the silo is refused, and counts as one that did not come
        raise RefusedError("the norm of the change is not finite")
    return cut_arrays(arrays, bounds, norms)


def deliver(sent: RecordDict, content: RecordDict, codec: Codec, is_coded: bool) -> tuple[dict[str, Arrays], int]:
    """Return the arrays of a reply as they arrive, checked, and their size as they travelled."""
    if is_coded and not codec.is_exact and array_records(content):
        try:
            delivered, size = decode_reply(content, sent, codec)
        except WireError as error:
            raise RefusedError(str(error)) from error
        return {name: _checked(arrays, None) for name, arrays in delivered.items()}, size
    delivered, size = {}, 0
    for name, arrays in checked_arrays(sent, content).items():
        if is_coded:
            delivery = codec.deliver(arrays, {})
            delivered[name], size = delivery.arrays, size + delivery.blob_bytes
        else:
            delivered[name], size = arrays, size + sum(array.nbytes for array in arrays.values())
    return delivered, size


def in_order(sent: RecordDict, name: str, arrays: Arrays) -> Arrays:
    """Return the arrays of a record in the order of the one it answers: some of Flower's strategies go by position."""
    expected = sent.get(name)
    if isinstance(expected, ArrayRecord) and expected.keys() == arrays.keys():
        return {key: arrays[key] for key in expected}
    return arrays


def _as_sent(sent: RecordDict, name: str, arrays: Arrays) -> Arrays:
    """Return the arrays of a record in the order in which its layout was sent: sums are by position."""
    try:
        like = like_of(sent, name)
    except ValueError as error:
        raise RefusedError(str(error)) from error
    names = returned_names(sent, like)
    _check_names(arrays, names)
    for key, array in arrays.items():
        if not averageable(array):
            raise RefusedError(f"'{key}' is {array.dtype} with values of which float64 holds no exact mean")
    return _checked({key: arrays[key] for key in names}, like)


def reply_weight(content: RecordDict, mean: Mean) -> float:
    """Return the weight of a reply in an average."""
    weight = metric_record(content).get(mean.weight, None)
    if not isinstance(weight, (int, float)) or not math.isfinite(weight) or weight < 0:
        raise RefusedError(f"the reply's weight '{mean.weight}' is {weight!r}")
    return float(weight)


def checked_arrays(sent: RecordDict, content: RecordDict) -> dict[str, Arrays]:
    """Return the arrays of each record of a reply.

    Arrays that are not finite, or whose names or shapes differ from the record that was sent, are refused.

    Raises
    ------
    RefusedError
        Naming the array and what is wrong with it.
    """
    found: dict[str, Arrays] = {}
    for record_name, record in array_records(content).items():
        expected = sent.get(record_name)
        if isinstance(expected, ArrayRecord):
            _check_names(record, returned_names(sent, expected))
        found[record_name] = _checked(arrays_of(record), expected if isinstance(expected, ArrayRecord) else None)
    return found


def _check_names(arrays: Mapping[str, Any], expected: Collection[str]) -> None:
    odd = sorted(set(arrays) ^ set(expected))
    if odd:
        raise RefusedError(f"the arrays' names differ from those asked for: {', '.join(odd[:3])}")


def _checked(arrays: Arrays, expected: ArrayRecord | None) -> Arrays:
    for name, array in arrays.items():
        if expected is not None and tuple(expected[name].shape) != array.shape:
            raise RefusedError(f"'{name}' has shape {array.shape}, not {tuple(expected[name].shape)}")
        if array.dtype.kind in "fc" and not _is_finite(array):
            raise RefusedError(f"'{name}' holds values that are not finite")
    return arrays


def _is_finite(array: NDArray[Any]) -> bool:
    """Return whether all values are finite; of many, each is looked at only where their sum is not."""
    if array.size > FEW:
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(array.sum()):
                return True
    return bool(np.isfinite(array).all())
