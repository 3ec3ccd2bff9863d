"""Checks of what a user may set on a codec."""

from __future__ import annotations

import math

from fedasr.common.errors import UserError


def number(codec: str, key: str, value: object, low: float = 0.0, high: float = math.inf) -> float:
    """Return a number above ``low`` and at most ``high`` (below it where that is infinite)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low < value <= high or math.isinf(value):
        bound = "" if math.isinf(high) else f" and at most {high:g}"
        raise UserError(f"codec '{codec}': {key} must be a number above {low:g}{bound}, not {value!r}")
    return float(value)


def whole(codec: str, key: str, value: object, high: int) -> int:
    """Return a whole number from 1 to ``high``."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= high:
        raise UserError(f"codec '{codec}': {key} must be a whole number from 1 to {high}, not {value!r}")
    return value


def flag(codec: str, key: str, value: object) -> bool:
    """Return a truth value."""
    if not isinstance(value, bool):
        raise UserError(f"codec '{codec}': {key} must be true or false, not {value!r}")
    return value
