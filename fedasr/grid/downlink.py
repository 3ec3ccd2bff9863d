"""What messages to silos cost: a silo that has the last model is sent what has changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.grid.exchange import Exchange, Request
from fedasr.messages.records import array_records, arrays_of
from fedasr.wire.codecs.changed import changed_size
from fedasr.wire.codecs.dense import Dense

Arrays = Mapping[str, NDArray[Any]]


class Downlink:
    """Remembers what was sent last, and which silos have it."""

    def __init__(self) -> None:
        self._sent: Arrays = {}
        self._holders: set[int] = set()

    def sizes(self, exchange: Exchange, requests: Sequence[Request]) -> list[int]:
        """Return the bytes of each request's arrays as encoded, and remember that they were sent."""
        models = [_arrays(content) for content in exchange.contents]
        whole = [Dense().deliver(model, {}).blob_bytes if model else 0 for model in models]
        if len(models) != 1 or not models[0]:
            return [whole[request.content] for request in requests]
        model, silos = models[0], {request.silo for request in requests}
        holders = self._holders & silos if _alike(model, self._sent) else set()
        known = {name: self._sent[name] for name in model} if holders else {}
        shorter = min(whole[0], changed_size(model, known)) if holders else whole[0]
        self._holders, self._sent = silos, model
        return [shorter if request.silo in holders else whole[0] for request in requests]

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what is remembered, as arrays."""
        sent = {f"sent/{place}/{name}": array for place, (name, array) in enumerate(self._sent.items())}
        return {"holders": np.array(sorted(self._holders), np.int64), **sent}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Remember what `state` returned."""
        self._holders = set(state["holders"].tolist()) if "holders" in state else set()
        places = sorted((name.split("/", 2) for name in state if name.startswith("sent/")), key=lambda p: int(p[1]))
        self._sent = {name: state[f"sent/{place}/{name}"] for _, place, name in places}


def _arrays(content: Any) -> dict[str, NDArray[Any]]:
    """Return all arrays of a content under one name each."""
    records = array_records(content)
    return {f"{name}/{key}": array for name, record in records.items() for key, array in arrays_of(record).items()}


def _alike(model: Arrays, other: Arrays) -> bool:
    return model.keys() == other.keys() and all(
        array.shape == other[name].shape and array.dtype == other[name].dtype == np.float32
        for name, array in model.items()
    )
