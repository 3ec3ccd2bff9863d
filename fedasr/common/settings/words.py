"""How values and what is expected of them are called in messages and on the reference page."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

from fedasr.common.settings.limits import Limits

NAMES: Mapping[Any, tuple[str, str]] = {
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("a text", "texts"),
    bool: ("true or false", "truth values"),
}


def named(value: Any) -> str:
    """Return a value as a message shows it."""
    return f"'{value}'" if isinstance(value, str) else repr(value)


def expected(kind: Any, limits: Limits) -> str:
    """Return what a field of a type must be, such as ``"a whole number of at least 1"``."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(expected(choice, limits) for choice in typing.get_args(kind) if choice is not type(None))
    if origin is tuple:
        return f"a list of {_items(kind, limits)}"
    if dataclasses.is_dataclass(kind) or kind in (dict, Mapping) or origin in (dict, Mapping):
        return "a table"
    return _bounded(_name(kind, 0), kind, limits)


def _items(kind: Any, limits: Limits) -> str:
    first, *others = typing.get_args(kind)
    count = "" if others == [Ellipsis] else f"{1 + len(others)} "
    if dataclasses.is_dataclass(first):
        return f"{count}tables"
    return count + _bounded(_name(first, 1), first, limits)


def _bounded(name: str, kind: Any, limits: Limits) -> str:
    if kind not in (int, float):
        return name
    if limits.finite:
        name = name.replace("number", "finite number")
    return f"{name} {limits.words()}".rstrip()


def _name(kind: Any, form: int) -> str:
    if typing.get_origin(kind) is typing.Literal:
        return NAMES[str][form]
    return NAMES[kind][form] if kind in NAMES else getattr(kind, "__name__", str(kind))
