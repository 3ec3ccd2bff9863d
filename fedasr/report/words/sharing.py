"""What a page says of results that several rows used and one of them computed."""

from __future__ import annotations

from fedasr.runs.data import RunData, SharedStage

TOLD = {"teacher": "teachers, trained once"}
"""The stages that are told of, and how; what teachers hear goes with them."""


def shared_lines(data: RunData) -> list[str]:
    """Return a line for each set of rows that share teachers."""
    return [_line(stage) for stage in data.shared if stage.name in TOLD]


def _line(stage: SharedStage) -> str:
    *others, last = stage.rows
    return (
        f"{', '.join(others)} and {last} share {stage.count} {TOLD[stage.name]}. Each row's ε, releases, bytes and "
        "simulated time are what they are for that row alone; measured seconds of training stand in the row that ran "
        "first."
    )
