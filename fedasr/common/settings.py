"""Frozen dataclasses from tables of settings, with errors that name the key and the mend.

A field's limits stand in its metadata: ``least``, ``most``, ``choices``.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from fedasr.common.errors import UserError, nearest

T = TypeVar("T")


def least(default: Any, bound: float) -> Any:
    """Return a field with a lower bound."""
    return dataclasses.field(default=default, metadata={"least": bound})


def one_of(default: str, *choices: str) -> Any:
    """Return a field with named choices, the default among them."""
    return dataclasses.field(default=default, metadata={"choices": choices})


def share(default: float) -> Any:
    """Return a field between 0 and 1."""
    return dataclasses.field(default=default, metadata={"least": 0.0, "most": 1.0})


def from_table(cls: type[T], table: Mapping[str, Any], where: str, prefix: str = "") -> T:
    """Return the dataclass `cls` filled from a table; nested dataclasses are filled from nested tables.

    Parameters
    ----------
    cls : type
        A frozen dataclass.
    table : mapping
        Keys and values, as TOML gives them.
    where : str
        The file or option the table came from, for messages.
    prefix : str
        The key of the table itself, with a full stop behind it.

    Raises
    ------
    UserError
        For an unknown key, a wrong type or a value out of range.
    """
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    types_by_name = typing.get_type_hints(cls)
    for key in table:
        if key not in fields:
            raise UserError(f"{where}: unknown key '{prefix}{key}'{nearest(key, fields)}")
    values = {key: _converted(types_by_name[key], value, where, prefix + key) for key, value in table.items()}
    for key, value in values.items():
        _check_limits(fields[key].metadata, value, where, prefix + key)
    missing = [name for name, field in fields.items() if name not in values and _required(field)]
    if missing:
        raise UserError(f"{where}: '{prefix}{missing[0]}' is missing")
    return cls(**values)


def to_table(settings: Any) -> dict[str, Any]:
    """Return the nested tables of a dataclass, fit for TOML (None is left out, tuples become lists)."""
    table: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if value is not None:
            table[field.name] = _plain(value)
    return table


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_table(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _converted(expected: Any, value: Any, where: str, key: str) -> Any:
    origin = typing.get_origin(expected)
    if origin in (typing.Union, types.UnionType):
        return _first_that_fits(typing.get_args(expected), value, where, key)
    if dataclasses.is_dataclass(expected):
        if not isinstance(value, Mapping):
            raise UserError(f"{where}: '{key}' must be a table, not {_named(value)}")
        return from_table(typing.cast(type, expected), value, where, key + ".")
    if origin is tuple:
        return _tuple(expected, value, where, key)
    if origin in (dict, Mapping):
        return _instance(dict, value, where, key)
    return _instance(expected, value, where, key)


def _tuple(expected: Any, value: Any, where: str, key: str) -> tuple[Any, ...]:
    items = typing.get_args(expected)
    if not isinstance(value, (list, tuple)):
        raise UserError(f"{where}: '{key}' must be a list, not {_named(value)}")
    if items[-1] is Ellipsis:
        items = (items[0],) * len(value)
    if len(items) != len(value):
        raise UserError(f"{where}: '{key}' must have {len(items)} entries, not {len(value)}")
    return tuple(_converted(t, v, where, f"{key}[{n}]") for n, (t, v) in enumerate(zip(items, value, strict=True)))


def _first_that_fits(choices: tuple[Any, ...], value: Any, where: str, key: str) -> Any:
    for choice in choices:
        if choice is type(None):
            if value is None:
                return None
            continue
        try:
            return _converted(choice, value, where, key)
        except UserError:
            continue
    names = " or ".join(getattr(choice, "__name__", str(choice)) for choice in choices)
    raise UserError(f"{where}: '{key}' must be {names}, not {_named(value)}")


def _instance(expected: type, value: Any, where: str, key: str) -> Any:
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        names = {
            int: "a whole number",
            float: "a number",
            str: "a text",
            bool: "true or false",
            dict: "a table",
        }
        raise UserError(f"{where}: '{key}' must be {names.get(expected, expected.__name__)}, not {_named(value)}")
    return value


def _named(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else repr(value)


def _check_limits(limits: Mapping[str, Any], value: Any, where: str, key: str) -> None:
    if value is None:
        return
    numeric = isinstance(value, (int, float))
    if numeric and value != value:
        raise UserError(f"{where}: '{key}' must be a number, not nan")
    if numeric and "least" in limits and value < limits["least"]:
        raise UserError(f"{where}: '{key}' must be at least {limits['least']}, not {value}")
    if numeric and "most" in limits and value > limits["most"]:
        raise UserError(f"{where}: '{key}' must be at most {limits['most']}, not {value}")
    if "choices" in limits and value not in limits["choices"]:
        raise UserError(f"{where}: '{key}' is '{value}'{nearest(str(value), limits['choices'])}")
