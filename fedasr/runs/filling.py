"""Frozen records from JSON, forgiving: what is not of a field's type is unknown, and unknown keys are passed over."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

Record = Mapping[str, Any]
T = TypeVar("T")


def filled(kind: type[T], record: Record, **given: Any) -> T:
    """Return a frozen record of `kind` by the types of its fields; what is not there has its default.

    Parameters
    ----------
    kind : type
        A dataclass in a module with ``from __future__ import annotations``.
    record : mapping
    **given
        Fields that are read in a way of their own.
    """
    taken = {
        field.name: COERCE[str(field.type)](record.get(field.name))
        for field in fields(kind)  # type: ignore[arg-type]
        if field.name not in given and (field.name in record or _is_required(field))
    }
    return kind(**taken, **given)


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def number(value: Any) -> float | None:
    """Return a finite number, None for anything else."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if good else None


def bound(value: Any) -> float | None:
    """Return a number, be it infinite: what bounds nothing must not look unknown."""
    return math.inf if value == math.inf else number(value)


def whole(value: Any) -> int | None:
    """Return a whole number, None where there is no number."""
    return None if number(value) is None else int(value)


def _pair(value: Any) -> tuple[float, float] | None:
    return (float(value[0]), float(value[1])) if value else None


def _numbers(value: Any) -> dict[str, float] | None:
    if not isinstance(value, Mapping):
        return None
    return {str(name): known for name, each in value.items() if (known := number(each)) is not None}


def _texts(value: Any) -> dict[str, str] | None:
    return {str(name): str(each) for name, each in value.items()} if isinstance(value, Mapping) else None


COERCE: Mapping[str, Callable[[Any], Any]] = {
    "int": lambda value: whole(value) or 0,
    "float": lambda value: number(value) or 0.0,
    "str": lambda value: "" if value is None else str(value),
    "int | None": whole,
    "bool | None": lambda value: value if isinstance(value, bool) else None,
    "float | None": number,
    "str | None": lambda value: None if value is None else str(value),
    "tuple[int, ...]": lambda value: tuple(int(item) for item in value or ()),
    "tuple[str, ...]": lambda value: tuple(str(item) for item in value or ()),
    "tuple[float, float] | None": _pair,
    "Mapping[str, float]": lambda value: _numbers(value) or {},
    "Mapping[str, float] | None": _numbers,
    "Mapping[str, str] | None": _texts,
}
"""How a field is read, by its type."""
