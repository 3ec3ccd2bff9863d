"""Which arrays come back: all that were sent, or those alone that the message declares to be trained.

A message whose configuration names ``layers`` is answered with the arrays that these patterns choose and no others:
they are what is encoded, counted, summed, clipped and noised. At the server's end the rest is put back (`completed`),
so that a strategy is given whole records whatever travelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from flwr.app import ArrayRecord, RecordDict
from numpy.typing import NDArray

from fedasr.messages.records import array_record, array_records, arrays_of, like_of
from fedasr.training.parameters import chosen_names

LAYERS = "layers"
"""The setting of a message that names patterns of what is trained; without a pattern everything is."""
Arrays = Mapping[str, NDArray[Any]]


def layers_of(sent: RecordDict) -> tuple[str, ...]:
    """Return the patterns that a message declares; none where everything comes back."""
    declared = (config[LAYERS] for config in sent.config_records.values() if LAYERS in config)
    return tuple(cast("list[str]", next(declared, [])))


def returned_names(sent: RecordDict, names: Mapping[str, Any]) -> list[str]:
    """Return which of some arrays that were sent come back, in their order.

    Raises
    ------
    UserError
        Where a pattern fits none of them.
    """
    layers = layers_of(sent)
    return chosen_names(names, layers) if layers else list(names)


def asked_back(sent: RecordDict, record: ArrayRecord) -> dict[str, NDArray[Any]]:
    """Return those arrays of a record that was sent whose answers come back."""
    arrays = arrays_of(record)
    return {name: arrays[name] for name in returned_names(sent, arrays)}


def completed(sent: RecordDict, content: RecordDict) -> RecordDict:
    """Return a reply with the arrays that did not travel: as they were sent in a model, zeros in a change."""
    if not layers_of(sent):
        return content
    bases = array_records(sent)
    whole = {
        name: _whole(record, bases.get(name), like_of(sent, name)) if bases else record
        for name, record in array_records(content).items()
    }
    return RecordDict({name: whole.get(name, record) for name, record in content.items()})


def _whole(record: ArrayRecord, base: ArrayRecord | None, like: ArrayRecord) -> ArrayRecord:
    """Return a record whose missing arrays are those of `base`, where it is None zeros in the shape of `like`."""
    there = arrays_of(record)
    others = arrays_of(like) if base is None else arrays_of(base)
    if not there.keys() <= others.keys():
        return record
    return array_record({
        name: there[name] if name in there else (np.zeros_like(array) if base is None else array)
        for name, array in others.items()
    })  # fmt: skip
