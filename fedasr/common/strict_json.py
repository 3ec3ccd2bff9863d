"""Strict JSON, and objects that say of themselves whether they are as they were written."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fedasr.common.errors import RowError

SEAL = "seal"
"""The last key of a sealed object: the SHA-256 of all others, and of the name of its file."""

INFINITIES = {"+inf": math.inf, "-inf": -math.inf}
"""As settings may have them; a result never does."""


class DamagedError(ValueError):
    """An object is not as it was written."""


def strict(data: Any, indent: int | None = None) -> str:
    """Return JSON that every reader can read.

    Raises
    ------
    RowError
        Naming the first number that JSON has no word for: what was measured is not known then.
    """
    try:
        return json.dumps(data, indent=indent, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        where = next((f"'{place}' is {value}" for place, value in _numbers(data) if not math.isfinite(value)), None)
        if where is None:
            raise
        raise RowError(f"{where}, which is no result") from error


def _numbers(data: Any, place: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(data, float):
        yield place, data
    elif isinstance(data, Mapping):
        for key, value in data.items():
            yield from _numbers(value, f"{place}.{key}" if place else str(key))
    elif isinstance(data, Sequence) and not isinstance(data, str):
        for number, value in enumerate(data):
            yield from _numbers(value, f"{place}[{number}]")


def in_words(settings: Any) -> Any:
    """Return settings whose infinities, a bound that cuts nothing, are spelled as TOML spells them."""
    if isinstance(settings, Mapping):
        return {key: in_words(value) for key, value in settings.items()}
    if isinstance(settings, (list, tuple)):
        return [in_words(value) for value in settings]
    is_infinite = isinstance(settings, float) and math.isinf(settings)
    return next(word for word, value in INFINITIES.items() if value == settings) if is_infinite else settings


def in_numbers(settings: Any) -> Any:
    """Return the settings that `in_words` spelled."""
    if isinstance(settings, Mapping):
        return {key: in_numbers(value) for key, value in settings.items()}
    if isinstance(settings, list):
        return [in_numbers(value) for value in settings]
    return INFINITIES.get(settings, settings) if isinstance(settings, str) else settings


def sealed(record: Mapping[str, Any], name: str = "") -> dict[str, Any]:
    """Return an object with its seal, which fits in a file of that name alone."""
    return {**record, SEAL: _seal(json.loads(strict(record)), name)}


def unsealed(data: Any, name: str = "") -> Any:
    """Return what was written; what has no seal, as files of earlier versions have none, is returned as it is.

    Raises
    ------
    DamagedError
        Where an object does not fit its seal.
    """
    if not isinstance(data, dict) or SEAL not in data:
        return data
    record = {key: value for key, value in data.items() if key != SEAL}
    if data[SEAL] != _seal(record, name):
        raise DamagedError("not what was written")
    return record


def parsed(text: str | bytes, name: str = "") -> Any:
    """Return what a JSON file of a name holds, without its seal.

    Raises
    ------
    ValueError
        Where it is torn or damaged.
    """
    return unsealed(json.loads(text), name)


def _seal(record: Mapping[str, Any], name: str) -> str:
    return hashlib.sha256(f"{name}\n{json.dumps(record, sort_keys=True)}".encode()).hexdigest()
