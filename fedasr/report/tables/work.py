"""How each row trains, and how much of the silos' speech it takes: a table for the page."""

from __future__ import annotations

from collections.abc import Callable

from fedasr.report.words.groups import Group, groups
from fedasr.runs.data import RowData, RunData

RECIPE = ("optimizer", "learning rate", "schedule", "steps", "batch", "clip", "server")
"""What `fedasr.server.work.recipe.Recipe` says of a row."""
WORK_HEADINGS = ("row", *RECIPE, "rounds", "utterances", "public utterances", "tuned")


def work_rows(data: RunData, release: bool = False) -> list[tuple[str, ...]]:
    """Return the cells of each row in the order of `WORK_HEADINGS`, none where no row says anything.

    Parameters
    ----------
    data : RunData
    release : bool
        Leave out how much rows with an epsilon take: it follows from what the silos hold.
    """
    told = [group for group in groups(data) if any(row.recipe is not None for row in group.rows)]
    return [_cells(group, release) for group in told]


def _cells(group: Group, release: bool) -> tuple[str, ...]:
    recipe = next(row.recipe for row in group.rows if row.recipe is not None)
    is_hidden = release and any(row.epsilon is not None or row.epsilon_kind is not None for row in group.rows)
    taken = (
        ("", "") if is_hidden else (_mean(group, lambda r: r.utterances), _mean(group, lambda r: r.public_utterances))
    )
    words = tuple(recipe.get(name, "") for name in RECIPE)
    return (group.name, *words, _mean(group, lambda row: row.rounds), *taken, recipe.get("tuned", ""))


def _mean(group: Group, value: Callable[[RowData], float | None]) -> str:
    mean = group.mean(value)
    return "" if mean is None else f"{mean:,.0f}"
