"""What an object of anybody's class is made of, without a line of the class being run."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import sys
import types
from collections.abc import Iterator
from typing import Any

MISSING = object()
"""Stands for what is not there."""
POINTER = object.__basicsize__ // 2
SYSTEM = {*sys.stdlib_module_names, "fedasr", "flwr", "torch", "numpy"}
"""Packages whose classes keep nothing of a strategy's in themselves."""
NO_STATE = (
    types.FunctionType, types.BuiltinFunctionType, types.MemberDescriptorType, types.GetSetDescriptorType,
    types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType,
    property, classmethod, staticmethod, type,
)  # fmt: skip


def slots_of(kind: type) -> dict[str, Any]:
    """Return the slots of a class and those it inherits: a descriptor each, by owner and name."""
    return {
        f"{owner.__qualname__}.{name}": slot
        for owner in kind.__mro__
        for name, slot in vars(owner).items()
        if inspect.ismemberdescriptor(slot) and name not in ("__dict__", "__weakref__")
    }


def is_plain(kind: type) -> bool:
    """Return whether all that an object holds stands in its dictionary and its slots, nothing in C."""
    own = (kind.__dictoffset__ > 0) + (kind.__weakrefoffset__ > 0) + len(slots_of(kind))
    return kind.__itemsize__ == 0 and kind.__basicsize__ <= object.__basicsize__ + POINTER * own


def attributes(value: object) -> dict[str, Any]:
    """Return the attributes that an object has in its dictionary."""
    found: dict[str, Any] = getattr(value, "__dict__", {})
    return found


def slot_values(value: object) -> dict[str, Any]:
    """Return what stands in the slots that are filled, by owner and name."""
    found = {}
    for name, slot in slots_of(type(value)).items():
        try:
            found[name] = slot.__get__(value)
        except AttributeError:
            continue
    return found


def _unless_same(before: Any, now: Any) -> Any:
    """Return the frozen dataclass that stood there, where an equal one is put: a strategy may ask which it ``is``."""
    if type(before) is not type(now) or not dataclasses.is_dataclass(now) or not now.__dataclass_params__.frozen:  # type: ignore[union-attr]
        return now
    try:
        return before if bool(before == now) else now
    except (TypeError, ValueError):  # arrays among its fields
        return now


def fill(value: object, dictionary: dict[str, Any], slots: dict[str, Any]) -> None:
    """Give an object these attributes and no others; unchanged settings stay the objects that they are."""
    if hasattr(value, "__dict__"):
        dictionary = {name: _unless_same(vars(value).get(name), now) for name, now in dictionary.items()}
        vars(value).clear()
        vars(value).update(dictionary)
    for name, slot in slots_of(type(value)).items():
        if name in slots:
            slot.__set__(value, slots[name])
        else:
            try:
                slot.__delete__(value)
            except AttributeError:
                continue


def stateful_classes(kind: type) -> Iterator[type]:
    """Yield those among a class and its bases that may keep something in themselves."""
    for owner in kind.__mro__:
        if owner.__module__.partition(".")[0] not in SYSTEM and not issubclass(owner, enum.Enum):
            yield owner


def class_state(kind: type) -> dict[str, Any]:
    """Return what a class itself keeps, beside its methods."""
    return {
        name: value
        for name, value in vars(kind).items()
        if not name.startswith(("__", "_abc_")) and not isinstance(value, NO_STATE) and not hasattr(value, "__get__")
    }
