"""Trust: every ε says against whom it holds, and what is promised against others who see more or less."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fedasr.verification.costs import bounds, smallest
from fedasr.verification.evidence import Row
from fedasr.verification.findings import Finding, Scribe

CHECK = "trust"
ROUNDED_UP = 0.01
"""Of an ε that is shown by three digits, relative."""


def check_trusts(row: Row) -> Iterator[Finding]:
    """Compare who is trusted as the row has it with its ``privacy.json``, and each ε in it with its own plan."""
    if row.record["epsilon"] is None or row.privacy is None:
        return
    scribe = Scribe(CHECK, row.folder.name("privacy.json"))
    if "trust" not in row.privacy:
        yield scribe.unknown("who is trusted with what", None, "an earlier version did not say")
        return
    text = row.privacy["trust"]
    yield Scribe(CHECK, row.folder.name("row.jsonl")).same("trust beside privacy.json", row.record["trust"], text)
    yield scribe.holds("who is trusted with what is said", bool(text), text, "a line")
    for party in row.privacy["beside"]:
        planned = [(line["mechanism"], line["count"]) for line in party["planned"]]
        low, high = smallest(bounds(planned, party["delta"], party["adjacency"]))
        told = re.search(re.escape(f"against {party['who']} ") + r"ε = ([\d.]+)", text)
        shown = float(told[1]) if told else None
        yield scribe.within(f"epsilon against {party['who']}", shown, low, high * (1 + ROUNDED_UP))
