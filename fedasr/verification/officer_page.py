"""One page for a data-protection officer: what was promised to whom, what would void it, what was checked and found."""

from __future__ import annotations

from typing import Any

from fedasr.verification.verdict import Verified


def as_json(verdict: Verified) -> dict[str, Any]:
    """Return what was found, for a program."""
    return {
        "run": verdict.run.summary["experiment"], "rows": len(verdict.run.rows),
        "checks": {check: list(counts) for check, counts in verdict.counts.items()},
        "differences": [found.line() for found in verdict.wrong],
        "not_told": [found.line() for found in verdict.unknown],
    }  # fmt: skip


def page(verdict: Verified) -> str:
    """Return the page as plain text."""
    lines = [f"{verdict.run.summary['experiment']}: {len(verdict.run.rows)} rows", ""]
    lines += [
        f"{check}: {count} figures computed again, {differ} differ" for check, (count, differ) in verdict.counts.items()
    ]
    lines += ["", *(found.line() for found in verdict.wrong)]
    return "\n".join(lines) + "\n"
