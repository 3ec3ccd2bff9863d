"""What a strategy remembers between rounds, as arrays: so that any Flower strategy can be resumed.

Flower's strategies are plain objects that keep moments, models and histories in attributes. All that can be reached
from them is written down and comes back as it was, in type and value: two names for one array are again two names
for one array, a strategy that wraps another is walked into, attributes that came or went come or go. What cannot be
written down without pickle raises `UnsavableError`, and so does what the new strategy cannot take back: such a row
begins anew, and says so. What lies outside the strategy, such as variables of a module, is not seen.

Functions, classes and modules are not state: the freshly built strategy supplies them (`fedasr.server.state.supplied`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedasr.common.exact_scalars import is_scalar
from fedasr.server.state.forms import BY_TAG, form_of
from fedasr.server.state.objects import MISSING, attributes, class_state, fill, slot_values, stateful_classes
from fedasr.server.state.reader import Reader
from fedasr.server.state.refusal import UnsavableError
from fedasr.server.state.supplied import Supplied, key_of
from fedasr.server.state.writer import PREFIX, Json, Writer

__all__ = ["UnsavableError", "check", "restore", "state_of"]

SKELETON = PREFIX
State = Mapping[str, NDArray[Any]]


def state_of(strategy: object, beside: Any = None) -> dict[str, NDArray[Any]]:
    """Return all that a strategy holds as arrays by name.

    Parameters
    ----------
    strategy : object
    beside : optional
        What else is to come back with it, such as the model, which it may share arrays with.

    Raises
    ------
    UnsavableError
        Naming the attribute that cannot be written down.
    """
    writer, skeleton = _written(strategy, beside)
    text = json.dumps({**skeleton, "nodes": writer.nodes}).encode()
    return {SKELETON: np.frombuffer(text, np.uint8), **writer.arrays}


def restore(strategy: object, state: State) -> Any:
    """Give a freshly built strategy all that `state_of` was given, and return what was beside it.

    Raises
    ------
    UnsavableError
        Where the new strategy cannot take it: nothing of it is changed then.
    """
    found, put = _made(strategy, state)
    put()
    return found


def check(strategy: object, state: State) -> None:
    """Raise what `restore` would raise, and change nothing."""
    _made(strategy, state)


def _made(strategy: object, state: State) -> tuple[Any, Callable[[], None]]:
    """Return what was beside a strategy, and what puts into it all that was made."""
    try:
        return _read(strategy, state)
    except UnsavableError:
        raise
    except (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split()) or "no reason given"
        raise UnsavableError(f"what was saved cannot be put back: {type(error).__name__}: {reason}") from error


def _written(strategy: object, beside: Any) -> tuple[Writer, dict[str, Json]]:
    writer = Writer(form_of)
    try:
        root = writer.value(strategy, "")
        classes = _class_states(strategy, writer)
        skeleton = {"root": root, "beside": writer.value(beside, "the model"), "classes": classes}
    except RecursionError as error:
        raise UnsavableError(f"a {type(strategy).__name__} holds values too deep in each other to be saved") from error
    writer.check_memory()
    return writer, skeleton


def _class_states(strategy: object, writer: Writer) -> Json:
    """Return what classes keep in themselves: those of the strategy and of all that it holds."""
    found: dict[str, Json] = {}
    for value in [strategy, *writer.held]:
        for kind in stateful_classes(type(value)):
            if key_of(kind) not in found:
                found[key_of(kind)] = writer.mapping(class_state(kind), kind.__name__)
    return found


def _read(strategy: object, state: State) -> tuple[Any, Callable[[], None]]:
    skeleton = json.loads(np.asarray(state[SKELETON]).tobytes())
    reader = Reader(skeleton["nodes"], state, BY_TAG, Supplied(strategy, _held(strategy)))
    _, (kind, dictionary, slots) = reader.node(skeleton["root"]["at"])
    if kind != key_of(type(strategy)):
        raise UnsavableError(f"{kind} was saved, not {key_of(type(strategy))}")
    reader.adopt(skeleton["root"]["at"], strategy)
    found = reader.mapping(dictionary, attributes(strategy)), reader.mapping(slots, slot_values(strategy))
    beside = reader.value(skeleton["beside"])
    for key, content in skeleton["classes"].items():
        owner = reader.supplied.find(key, MISSING)
        kept = reader.mapping(content, class_state(owner))
        reader.later.append(partial(_keep, owner, kept))
    return beside, partial(_put, strategy, found, reader.later)


def _put(strategy: object, found: tuple[dict[str, Any], dict[str, Any]], later: Iterable[Callable[[], None]]) -> None:
    fill(strategy, *found)
    for put in later:
        put()


def _keep(owner: type, kept: Mapping[str, Any]) -> None:
    """Let a class keep these things in itself and no others."""
    for name in class_state(owner).keys() - kept.keys():
        delattr(owner, name)
    for name, value in kept.items():
        now = vars(owner).get(name, MISSING)
        if not (is_scalar(value) and type(now) is type(value) and now == value):
            setattr(owner, name, value)


def _held(strategy: object) -> list[Any]:
    """Return all that a new strategy holds, as far as it can be walked."""
    writer = Writer(form_of)
    try:
        writer.value(strategy, "")
        _class_states(strategy, writer)
    except (UnsavableError, RecursionError):
        pass
    return writer.held
