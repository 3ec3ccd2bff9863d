"""Checks of what a user sets: numbers within bounds, tables without unknown keys."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from fedasr.common.errors import UserError, nearest

T = TypeVar("T")


def check(
    key: str, value: Any, *, above: float | None = None, least: float | None = None,
    below: float | None = None, most: float | None = None,
) -> None:  # fmt: skip
    """Refuse what is no finite number, or lies outside the bounds.

    Raises
    ------
    UserError
        One line with the key and the bounds.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    holds = is_number and (
        (above is None or value > above)
        and (least is None or value >= least)
        and (below is None or value < below)
        and (most is None or value <= most)
    )
    if not holds:
        bounds = {"above": above, "at least": least, "below": below, "at most": most}
        wanted = " and ".join(f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None)
        raise UserError(f"{key} = {value!r}: must be a number {wanted}")


def from_table(kind: type[T], table: Any, where: str) -> T:
    """Return a dataclass from a table, its complaints led by `where` (file and table).

    Raises
    ------
    UserError
        Unknown keys, missing keys, values out of bounds.
    """
    if not isinstance(table, Mapping):
        raise UserError(f"{where}: must be a table, [{where.split()[-1]}]")
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            raise UserError(f"{where}.{key}: no such key{nearest(str(key), known)}")
    for key, field in known.items():
        if key not in table and field.default is MISSING and field.default_factory is MISSING:
            raise UserError(f"{where}.{key}: is missing; set it")
    try:
        return kind(**table)
    except UserError as error:
        raise UserError(f"{where}.{error}") from error
