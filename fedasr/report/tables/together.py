"""What is promised by all that is published together, as rows of a table."""

from __future__ import annotations

import math

from fedasr.report.tables.comparison import Cell
from fedasr.report.tables.privacy import BOUNDS
from fedasr.report.words.publication import worst_circles
from fedasr.report.words.units import count_text, epsilon_text
from fedasr.runs.data import RunData
from fedasr.runs.publication.together import Together

TOGETHER_HEADINGS = ("per", "trainings", "rows", "ε together", "δ", "largest ε of one", "bound")


def together_rows(data: RunData) -> list[tuple[Cell, ...]]:
    """Return a line for each unit and adjacency, in the order of `TOGETHER_HEADINGS`."""
    return [_cells(line, data) for line in worst_circles(data)]


def _cells(line: Together, data: RunData) -> tuple[Cell, ...]:
    return (
        Cell(line.unit, (line.adjacency, *_whose(line))),
        Cell(f"{line.trainings:,}", _draws(line, data)),
        Cell(", ".join(line.rows)),
        Cell(epsilon_text(math.inf if line.epsilon is None else line.epsilon)),
        Cell(epsilon_text(line.delta)),
        Cell(epsilon_text(line.largest)),
        Cell(BOUNDS.get(line.bound or "", line.bound or "–")),
    )


def _whose(line: Together) -> tuple[str, ...]:
    """Say which units change at once: silos of several draws are other groups of the same speakers."""
    return ("one in each draw",) if len(line.draws) > 1 and line.unit == "silo" else ()


def _draws(line: Together, data: RunData) -> tuple[str, ...]:
    """Say of which draws the trainings are, where there are any."""
    alike = (other for other in data.together if _key(other) == _key(line))
    if (apart := len(list(alike))) > 1:
        return (f"in each of {count_text(apart, 'draw')}", "other speakers in each")
    return (f"in {count_text(len(line.draws), 'draw')}",) if len(line.draws) > 1 else ()


def _key(line: Together) -> tuple[str, str, tuple[str, ...]]:
    return line.unit, line.adjacency, line.rows
