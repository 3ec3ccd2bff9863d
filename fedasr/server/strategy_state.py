"""What a strategy remembers between rounds, as arrays: so that any Flower strategy can be resumed.

Flower's strategies are plain objects that keep moments and models in attributes. Everything made of
arrays, records, numbers, texts, lists, dictionaries and dataclasses is saved; functions and frozen dataclasses,
which are settings, are not state.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from flwr.app import ArrayRecord
from numpy.typing import NDArray

from fedasr.messages.records import array_record, arrays_of

SKELETON = "strategy"


class UnsavableError(TypeError):
    """A strategy holds something that cannot be written down without pickle."""


def state_of(strategy: object) -> dict[str, NDArray[Any]]:
    """Return a strategy's attributes as arrays by name.

    Raises
    ------
    UnsavableError
        Where an attribute is none of the kinds above; such a row begins anew on resume.
    """
    arrays: dict[str, NDArray[Any]] = {}
    skeleton = {name: _encoded(value, arrays) for name, value in vars(strategy).items() if _is_state(value)}
    text = json.dumps(skeleton).encode()
    return {SKELETON: np.frombuffer(text, np.uint8), **arrays}


def restore(strategy: object, state: Mapping[str, NDArray[Any]]) -> None:
    """Set a strategy's attributes to what `state_of` returned."""
    skeleton = json.loads(state[SKELETON].tobytes())
    for name, value in skeleton.items():
        setattr(strategy, name, _decoded(value, state, getattr(strategy, name, None)))


def _is_state(value: Any) -> bool:
    frozen = dataclasses.is_dataclass(value) and value.__dataclass_params__.frozen  # type: ignore[union-attr]
    return not callable(value) and not frozen


def _encoded(value: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        name = f"{SKELETON}/{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, ArrayRecord):
        return {"record": [[k, _encoded(a, arrays)] for k, a in arrays_of(value).items()]}
    if isinstance(value, Mapping):
        return {"mapping": [[k, _encoded(v, arrays)] for k, v in value.items()]}
    if isinstance(value, (list, tuple)):
        return {"list": [_encoded(v, arrays) for v in value]}
    if dataclasses.is_dataclass(value):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return {"object": {name: _encoded(v, arrays) for name, v in fields.items()}}
    raise UnsavableError(f"a {type(value).__name__} cannot be saved")


def _decoded(value: Any, state: Mapping[str, NDArray[Any]], current: Any) -> Any:
    if not isinstance(value, dict):
        return value
    (kind, content), *_ = value.items()
    match kind:
        case "array":
            return np.array(state[content])
        case "record":
            return array_record({k: _decoded(v, state, None) for k, v in content})
        case "mapping":
            return {k: _decoded(v, state, None) for k, v in content}
        case "list":
            return [_decoded(v, state, None) for v in content]
    for name, item in content.items():
        setattr(current, name, _decoded(item, state, getattr(current, name, None)))
    return current
