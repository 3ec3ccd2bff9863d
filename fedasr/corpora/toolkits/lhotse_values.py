"""The values of lhotse's objects, of which any may be anything: its classes take what stands in the line."""

from __future__ import annotations

import json
import math
from typing import Any

from fedasr.corpora.faults import EntryError


def text_of(owner: Any, name: str) -> str:
    """Return a text, or a whole number as one; an EntryError where there is none, or something else."""
    value = getattr(owner, name)
    if value is None:
        raise EntryError(f"no '{name}' in this line; add it", f"without {name}")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _other(name, "a string", value)
    return str(value)


def seconds_of(owner: Any, name: str) -> float:
    """Return a finite number of seconds."""
    value = getattr(owner, name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e9 < value < 1e9 or math.isnan(value):
        raise _other(name, "a number of seconds", value)
    return float(value)


def channels_of(owner: Any, name: str) -> list[int]:
    """Return the numbers of channels; lhotse writes a single one without a list."""
    value = getattr(owner, name)
    channels = value if isinstance(value, list) else [value]
    if not channels or not all(isinstance(channel, int) and not isinstance(channel, bool) for channel in channels):
        raise _other(name, "the number of a channel, or several", value)
    return channels


def plain(values: Any) -> dict[str, str]:
    """Return the values of a table that are not structured, as texts."""
    told = values if isinstance(values, dict) else {}
    kept = {name: value for name, value in told.items() if isinstance(value, str | int | float)}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in kept.items()}


def _other(name: str, expected: str, value: object) -> EntryError:
    shown = json.dumps(value, default=str)[:40]
    return EntryError(f"'{name}' must be {expected}, not {shown}; mend the manifest", "not lhotse's")
