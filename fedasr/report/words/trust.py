"""Against whom the ε of rows holds, in words."""

from __future__ import annotations

from fedasr.report.words.groups import groups
from fedasr.report.words.units import listing
from fedasr.runs.data import RunData


def trust_lines(data: RunData) -> list[str]:
    """Return a line for each set of rows whose ε holds under the same trust, in the order of the rows."""
    by_trust: dict[str, list[str]] = {}
    for group in groups(data):
        for trust in dict.fromkeys(row.trust for row in group.finished if row.trust and row.epsilon is not None):
            by_trust.setdefault(trust, []).append(group.name)
    return [f"Trust behind the ε of {listing(names)}: {trust}." for trust, names in by_trust.items()]
