"""Settings from tables, as TOML gives them, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from fedasr.common.settings.mistakes import Mistake, SettingsError
from fedasr.common.settings.values import built

T = TypeVar("T")


def from_table(cls: type[T], table: Mapping[str, Any], where: str, prefix: str = "") -> T:
    """Return the dataclass `cls` filled from a table; nested dataclasses are filled from nested tables.

    Parameters
    ----------
    cls : type
        A frozen dataclass, best one of `Settings`.
    table : mapping
        Keys and values, as TOML gives them.
    where : str
        The file or option the table came from, for messages.
    prefix : str
        The key of the table itself, with a full stop behind it.

    Raises
    ------
    SettingsError
        All mistakes, a line each: unknown and missing keys, wrong types, values out of range, and what the
        dataclass itself refuses.
    """
    found, mistakes = read(cls, table, prefix)
    if mistakes:
        raise SettingsError.of(mistakes, where)
    return cast(T, found)


def read(cls: type[T], table: Mapping[str, Any], prefix: str = "") -> tuple[T | None, list[Mistake]]:
    """Return the dataclass filled from a table, or None, and all mistakes; see `from_table`."""
    found, mistakes = built(cls, table)
    return found, [mistake.within(prefix.removesuffix(".")) for mistake in mistakes]


def to_table(settings: Any) -> dict[str, Any]:
    """Return the nested tables of a dataclass, fit for TOML (None is left out, tuples become lists)."""
    table: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if value is not None:
            table[field.name] = to_plain(value)
    return table


def to_plain(value: Any) -> Any:
    """Return a value as TOML and JSON have it."""
    if dataclasses.is_dataclass(value):
        return to_table(value)
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    return value
