"""Values as TOML gives them, or as a caller does, turned into what a field holds; all mistakes are gathered.

Types are taken strictly: true is no number, 3.0 is no whole number, NaN is nothing at all. A whole number
is a number, and a list becomes a tuple.
"""

from __future__ import annotations

import dataclasses
import functools
import numbers
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING
from typing import Any

from fedasr.common.errors import UserError, nearest
from fedasr.common.plug_ins import plugged_in
from fedasr.common.settings.limits import Limits, limits_of
from fedasr.common.settings.mistakes import Mistake, SettingsError
from fedasr.common.settings.words import expected, named

Found = tuple[Any, list[Mistake]]
"""A value, and what is wrong with it: the value is of use only where nothing is."""


@functools.cache
def kinds_of(cls: type) -> Mapping[str, Any]:
    """Return the types of a dataclass' fields."""
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def built(cls: type, table: Mapping[str, Any]) -> Found:
    """Return a dataclass filled from a table, or None and all mistakes of the table."""
    if not dataclasses.is_dataclass(cls):
        return None, [Mistake(f"{cls.__module__}.{cls.__qualname__} is no dataclass of settings")]
    fields = {field.name: field for field in dataclasses.fields(cls)}
    former: Mapping[str, str] = getattr(cls, "former", {})
    mistakes = [_unknown(key, cls, former) for key in table if key not in fields]
    values, wrong = checked(cls, {key: value for key, value in table.items() if key in fields})
    mistakes += wrong
    required = (name for name, field in fields.items() if field.default is field.default_factory is MISSING)
    mistakes += [Mistake("{0} is missing", (name,)) for name in required if name not in table]
    if mistakes:
        return None, mistakes
    try:
        with plugged_in(cls.__name__, cls.__module__):
            return cls(**values), []
    except SettingsError as error:
        return None, list(error.mistakes)
    except UserError as error:  # of a dataclass that is none of `Settings` and checks itself
        return None, [Mistake(line) for line in error.lines]


def checked(cls: type, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Mistake]]:
    """Return values of a dataclass' fields, converted, and what is wrong with them."""
    kept, mistakes = {}, []
    limits = {field.name: limits_of(field) for field in dataclasses.fields(cls)}
    for name, value in values.items():
        kept[name], wrong = converted(kinds_of(cls)[name], value, limits[name])
        mistakes += [mistake.within(name) for mistake in wrong]
    return kept, mistakes


def converted(kind: Any, value: Any, limits: Limits) -> Found:
    """Return a value as a field of this type holds it."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _one_of(kind, value, limits)
    if origin is typing.Literal:
        return converted(str, value, Limits(choices=typing.get_args(kind)))
    if origin is tuple:
        return _tuple(kind, value, limits)
    if dataclasses.is_dataclass(kind):
        return _dataclass(typing.cast(type, kind), value)
    if (origin or kind) in (dict, Mapping):
        return value, [] if isinstance(value, Mapping) else [_other(kind, value, limits)]
    return _plain(kind, value, limits)


def _unknown(key: str, cls: type, former: Mapping[str, str]) -> Mistake:
    kinds = kinds_of(cls)
    if key in former:
        return Mistake(f"unknown key {{0}}: {former[key]}", (key,))
    if within := keys_within(cls, key):
        return Mistake(f"unknown key {{0}}; did you mean {' or '.join(map(repr, within))}?", (key,))
    return Mistake(f"unknown key {{0}}{nearest(key, kinds) if kinds else '; there are no options'}", (key,))


def keys_within(cls: type, key: str) -> list[str]:
    """Return the dotted keys of the tables within settings that have a key of that name."""
    return [f"{name}.{key}" for name, kind in kinds_of(cls).items() if _has(kind, key)]


def _has(kind: Any, key: str) -> bool:
    """Return whether settings of this type have that key."""
    return dataclasses.is_dataclass(kind) and key in kinds_of(typing.cast(type, kind))


def _dataclass(kind: type, value: Any) -> Found:
    if isinstance(value, kind):
        return value, []
    return built(kind, value) if isinstance(value, Mapping) else (None, [_other(kind, value, Limits())])


def _tuple(kind: Any, value: Any, limits: Limits) -> Found:
    items = typing.get_args(kind)
    if not isinstance(value, (list, tuple)):
        return None, [_other(kind, value, limits)]
    if items[-1] is Ellipsis:
        items = (items[0],) * len(value)
    if len(items) != len(value):
        return None, [Mistake(f"{{0}} must have {len(items)} entries, not {len(value)}", ("",))]
    found = [converted(item, each, limits) for item, each in zip(items, value, strict=True)]
    mistakes = [mistake.within(f"[{place}]") for place, (_, wrong) in enumerate(found) for mistake in wrong]
    return tuple(each for each, _ in found), mistakes


def _one_of(kind: Any, value: Any, limits: Limits) -> Found:
    """Return the value as the first type that takes it; a single type beside None says itself what is wrong."""
    choices = [choice for choice in typing.get_args(kind) if choice is not type(None)]
    if value is None and len(choices) < len(typing.get_args(kind)):
        return None, []
    found = [converted(choice, value, limits) for choice in choices]
    fitting = [each for each in found if not each[1]] or (found if len(choices) == 1 else [])
    return fitting[0] if fitting else (None, [_other(kind, value, limits)])


def _plain(kind: Any, value: Any, limits: Limits) -> Found:
    found = _number(kind, value)
    if not isinstance(found, kind) or isinstance(found, bool) != (kind is bool):
        return None, [_other(kind, value, limits)]
    if kind in (int, float) and not limits.hold(found):
        return None, [_other(kind, value, limits)]
    if limits.choices and found not in limits.choices:
        return None, [Mistake(f"{{0}} is {named(value)}{nearest(found, limits.choices)}", ("",))]
    return found, []


def _number(kind: Any, value: Any) -> Any:
    """Return a number, NumPy's too, as the type that is wanted, if it is one of that type."""
    if isinstance(value, bool):
        return value
    if kind is float and isinstance(value, numbers.Real):
        return float(value)
    return int(value) if kind is int and isinstance(value, numbers.Integral) else value


def _other(kind: Any, value: Any, limits: Limits) -> Mistake:
    mend = f"; {limits.mend}" if limits.mend and isinstance(value, numbers.Real) else ""
    return Mistake(f"{{0}} must be {expected(kind, limits)}, not {named(value)}{mend}", ("",))
