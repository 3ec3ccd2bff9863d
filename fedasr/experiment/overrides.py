"""Single values of an experiment, set by their dotted keys."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from fedasr.common.errors import UserError, nearest
from fedasr.common.settings import Mistake
from fedasr.common.settings.mistakes import joined
from fedasr.experiment.training import ALTERNATIVES

TRAININGS = ("training", "central", "start")
"""The tables that say how long is trained, and what a batch holds."""


def overridden(table: Mapping[str, Any], overrides: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a copy of a table with values set, and what each override is called where it was set.

    Parameters
    ----------
    table : mapping
        An experiment as TOML gives it.
    overrides : mapping
        Values by dotted key; ``compare.NAME.key`` reaches into the row called NAME.

    Returns
    -------
    dict
    dict
        ``"--set KEY"`` by the key at which a mistake of that value is told.

    Raises
    ------
    UserError
        Where a key leads nowhere.
    """
    changed = copy.deepcopy(dict(table))
    return changed, {_set(changed, key, value, overrides): f"--set {key}" for key, value in overrides.items()}


def origin(mistake: Mistake, set_by: Mapping[str, str], file: str) -> str:
    """Return where a mistake was made: in the override that set the value, or in the file."""
    told = next(iter(mistake.keys), "")
    return next((by for key, by in set_by.items() if _within(told, key) or _within(key, told)), file)


def _set(table: dict[str, Any], key: str, value: Any, overrides: Mapping[str, Any]) -> str:
    """Set one value, making the tables on the way, and return the key at which a mistake of it is told."""
    *parents, last = key.split(".")
    place: Any = table
    told = ""
    for parent in parents:
        if isinstance(place, list):
            number = _row(place, parent, key)
            place, told = place[number], f"{told}[{number}]"
        elif isinstance(place, dict):
            place, told = place.setdefault(parent, {}), joined(told, parent)
    if not isinstance(place, dict):
        raise UserError(f"--set {key}: there is no such key")
    if value and parents and parents[-1] in TRAININGS:
        for other in _instead_of(last, ".".join(parents), overrides):
            place.pop(other, None)
    place[last] = value
    return joined(told, last)


def _instead_of(key: str, table: str, overrides: Mapping[str, Any]) -> list[str]:
    """Return the keys that say the same in another way, in whose place a key is set; those that are set too stay."""
    others = [other for pair in ALTERNATIVES if key in pair for other in pair if other != key]
    return [other for other in others if f"{table}.{other}" not in overrides]


def _row(rows: list[Any], name: str, key: str) -> int:
    names = [row.get("name") if isinstance(row, dict) else None for row in rows]
    if name not in names:
        raise UserError(f"--set {key}: there is no row '{name}'{nearest(name, filter(None, map(str, names)))}")
    return names.index(name)


def _within(key: str, table: str) -> bool:
    return key == table or key.startswith((f"{table}.", f"{table}["))
