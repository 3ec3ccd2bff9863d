"""Numbers as people read them."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def percent(fraction: float, digits: int = 1) -> str:
    """Return a fraction as percent, without the sign: ``0.1234`` is ``"12.3"``."""
    return f"{100 * fraction:.{digits}f}"


def bytes_text(count: float) -> str:
    """Return a number of bytes in decimal units: ``"1.2 MB"``."""
    value, unit = float(count), 0
    while value >= 999.5 and unit < len(_BYTE_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{_three_digits(value)} {_BYTE_UNITS[unit]}"


def seconds_text(seconds: float) -> str:
    """Return a duration in its two largest units: ``"3 min 20 s"``."""
    if seconds < 0.0005:
        return "0 s"
    if seconds < 0.9995:
        return f"{_three_digits(seconds * 1000)} ms"
    if seconds < 59.5:
        return f"{_three_digits(seconds)} s"
    if seconds < 3599.5:
        return _pair(round(seconds), 60, "min", "s")
    if seconds < 86_370:
        return _pair(round(seconds / 60), 60, "h", "min")
    return _pair(round(seconds / 3600), 24, "d", "h")


def count_text(count: int, noun: str) -> str:
    """Return a count with its noun, plural where it must be: ``"1 silo"``, ``"1,000 silos"``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listing(words: list[str]) -> str:
    """Join words as a sentence does: ``"a, b and c"``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _three_digits(value: float) -> str:
    """Two digits below ten, else whole numbers; no trailing zero."""
    return f"{value:.1f}".removesuffix(".0") if value < 9.95 else f"{value:.0f}"


def _pair(total: int, base: int, large: str, small: str) -> str:
    high, low = divmod(total, base)
    return f"{high} {large} {low} {small}" if low else f"{high} {large}"


def epsilon_text(epsilon: float) -> str:
    """Return an ε or δ in at most three digits, rounded up: what is printed promises no more than what holds."""
    return _rounded(epsilon, 3, ROUND_CEILING)


def at_least_text(value: float, digits: int = 3) -> str:
    """Return a number that must not look larger than it is, such as noise or an audit's lower bound, rounded down."""
    return _rounded(value, digits, ROUND_FLOOR)


def _rounded(value: float, digits: int, rounding: str) -> str:
    """Round the number as it is written in decimals, lest 3.2 become 3.21 for a binary rest."""
    if not math.isfinite(value):
        return "∞" if value == math.inf else "–"
    exact = Decimal(repr(value))
    if not exact:
        return "0"
    rounded = exact.quantize(Decimal(1).scaleb(exact.adjusted() - digits + 1), rounding).normalize()
    power = rounded.adjusted()
    if -4 < power < 5:
        return f"{rounded:f}"
    return f"{rounded.scaleb(-power).normalize():f}e{power}"
