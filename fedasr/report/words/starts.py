"""What rows have heard that trained on public speech alone, by what they began from."""

from __future__ import annotations

from fedasr.report.words.groups import Group

_HEARD = {
    "public": "used no private speech (ε = 0)",
    "declared public": "used no private speech but what its start may have heard, which was declared public",
    "protected": "used no private speech but what its start had paid for",
    "private": "began from a model that had heard the silos' speech",
    "unknown": "began from a model of unknown past",
    None: "did not write down what its start had heard",
}
"""From the best to the least that can be said."""


def heard_beside_public(group: Group) -> str:
    """Return what the rows of a group that learn from public speech alone have heard: the least that holds for all."""
    found = {row.start_speech if row.start_speech in _HEARD else None for row in group.rows} or {None}
    return next(told for speech, told in reversed(_HEARD.items()) if speech in found)
