"""What is said of all that is published together: what it promises, and which rows promise nothing."""

from __future__ import annotations

import math

from fedasr.report.words.units import count_text, epsilon_text, listing
from fedasr.runs.data import RunData
from fedasr.runs.publication.standing import names, withheld
from fedasr.runs.publication.together import Together


def without_promise(data: RunData, release: bool = False) -> str:
    """Return why the report as a whole promises nothing, or what is left out for that; empty where all is promised.

    Parameters
    ----------
    data : RunData
        With all its rows.
    release : bool
        Whether the report is the one that leaves them out.
    """
    if data.crossed:
        return _trials(data, release)
    if not withheld(data):
        return ""
    if release:
        return f"Left out, with all that was made of them: {_which(data)}."
    return f"As a whole this report promises nothing (ε = ∞): {_which(data)}. With --release such rows are left out."


def together_lines(data: RunData) -> list[str]:
    """Return what is promised together, a line for each unit and adjacency of which there are several trainings."""
    return [
        f"Published together, {count_text(line.trainings, 'training')} of {listing(list(line.rows))} promise "
        f"{together_text(line)}."
        for line in worst_circles(data)
        if line.trainings > 1
    ]


def together_text(line: Together) -> str:
    """Return the ε of a line with all that belongs to it."""
    return f"ε = {epsilon_text(_epsilon(line))} per {line.unit} ({line.adjacency}, δ = {epsilon_text(line.delta)})"


def worst_circles(data: RunData) -> list[Together]:
    """Return a line for each unit, adjacency and set of rows: of draws that share no speaker the largest ε."""
    found: dict[tuple[str, str, tuple[str, ...]], Together] = {}
    for line in sorted(data.together, key=_epsilon, reverse=True):
        found.setdefault((line.unit, line.adjacency, line.rows), line)
    return [line for line in data.together if line in found.values()]


def _epsilon(line: Together) -> float:
    return math.inf if line.epsilon is None else line.epsilon


def _trials(data: RunData, release: bool) -> str:
    """Return that draws of one corpus are no one publication."""
    told = (
        f"The draws are trials on one corpus: {count_text(data.crossed, 'speaker')} whose speech a silo of one draw "
        "holds are public, or scored on, in another"
    )
    if release:
        return f"{told}. All rows are left out: what can be published is one draw, from its own folder."
    return f"{told}. All draws together promise them nothing (ε = ∞); each draw’s own report stands in its folder."


def _which(data: RunData) -> str:
    """Return the rows by why no ε holds for them."""
    parts = []
    if heard := [row for row in withheld(data) if row.private_speech]:
        parts.append(f"{listing(names(heard, data))} learnt from the silos’ speech without a promise that holds")
    if untold := [row for row in withheld(data) if not row.private_speech]:
        parts.append(f"of {listing(names(untold, data))} nobody can tell what speech had a part in it")
    return "; ".join(parts)
