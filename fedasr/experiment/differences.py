"""In what two experiments differ, by the keys that a file or ``--set`` has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from fedasr.experiment.experiment import Experiment

MOST = 3
"""So many differences are told; of others, how many."""


def difference(there: Experiment, here: Experiment) -> str:
    """Return in what an experiment here differs from one there, in words; empty where in nothing."""
    found = list(_differing(_table(there), _table(here)))
    others = [f"{len(found) - MOST} more"] if len(found) > MOST else []
    return ", ".join([*found[:MOST], *others])


def _table(experiment: Experiment) -> dict[str, Any]:
    """Return an experiment as nested mappings, its rows by name, and the order of the rows."""
    table = asdict(experiment)
    rows = {row["name"]: row for row in table["compare"]}
    return {**table, "compare": rows, "rows": tuple(rows)}


def _differing(there: Mapping[str, Any], here: Mapping[str, Any], lead: str = "") -> Iterator[str]:
    for key in dict.fromkeys([*there, *here]):
        name, old, new = f"{lead}{key}", there.get(key), here.get(key)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _differing(old, new, f"{name}.")
        elif isinstance(old, Mapping) or isinstance(new, Mapping):
            yield f"{name} is {'there' if new is None else 'here'} alone"
        elif name != "rows" or set(old or ()) == set(new or ()):  # rows that one of them lacks are told by name
            yield f"{name} is {_written(old)} there and {_written(new)} here"


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, value))}]"
    return "not set" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
