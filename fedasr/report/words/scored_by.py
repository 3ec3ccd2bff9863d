"""By which weights the rows of a run are scored, in a sentence."""

from __future__ import annotations

from fedasr.runs.data import RunData

SENTENCES = {
    "mean": "Scored is the mean of a row's model over the last third of its rounds.",
    "last": "Scored is the model of a row's last round.",
    "best": "Scored is the model of the evaluated round with the lowest word error rate on development speakers.",
}
"""By the rule that an experiment names; a row that cannot follow it says so in a note of its own."""


def scored_by(data: RunData) -> str:
    """Return the rule; nothing of runs that were written before there was one."""
    return SENTENCES.get(data.scored or "", "")
