"""One page for a data-protection officer: what was promised to whom, what would void it, what was checked and found."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from fedasr.verification.checks.plans import planned_text
from fedasr.verification.evidence import Row, RunEvidence
from fedasr.verification.findings import Finding
from fedasr.verification.verdict import Verified

WIDTH = 100
CHECKED = {
    "rows": "rows, seeds and draws are those asked for, each as its own folder has it, none a copy of another",
    "speech": "all rows were scored on the same utterances, of speakers whom no silo trains on",
    "word errors": "error rates and their intervals, from what was heard",
    "paired intervals": "ratios of rows on the page, from what was heard",
    "bytes": "totals of bytes, rounds and times, from each message and round",
    "weights": "digests of models, from their weights",
    "releases": "digests and counts of what was published, beside the ledger; the ledger beside the checkpoint",
    "provenance": "what a model's file says of its past: of these weights, and of the row's own ledger and promise",
    "epsilon": "every ε, by numerical integration or Fourier transform of privacy losses",
    "plan": "no more was released than was planned before the first answer; targets as asked for",
    "payments": "every answer of a silo was paid for, or tells nothing of its speech",
}
NEIGHBOURS = {
    "replace-one": "had one {unit} held any other speech",
    "add-remove": "had one {unit} not been there",
}
VOIDED_BY = (
    "noise that can be drawn again (reproducible_noise), or units sampled otherwise than accounted",
    "more releases than were planned; a release, or its noise, drawn again and published twice",
    "publishing anything but released pages, models and ledgers: checkpoints, seen/, votes.*, silos.json and traffic "
    "are the simulator's view",
    "a unit that holds more than is taken: one person's speech in two silos is protected as two units",
    "settings chosen by results on private speech: the choice is a release that nothing paid for",
    "another publication about the same speech: what is published together costs what all of it costs",
)  # fmt: skip


def as_json(verified: Verified) -> dict[str, Any]:
    """Return what was found, for a program."""
    return {
        "run": verified.run.summary["experiment"], "rows": len(verified.run.rows),
        "promises": [_promise(row) for row in _promising(verified.run)],
        "checks": {check: list(counts) for check, counts in verified.counts.items()},
        "differences": [_as_record(found) for found in verified.wrong],
        "not_told": [_as_record(found) for found in verified.unknown],
    }  # fmt: skip


def page(verified: Verified) -> str:
    """Return the page as plain text."""
    return "\n".join(_wrapped(line) for line in _lines(verified)) + "\n"


def _as_record(found: Finding) -> dict[str, Any]:
    return {"check": found.check, "file": found.file, "line": found.line()}


def _lines(verified: Verified) -> Iterator[str]:
    summary, figures = verified.run.summary, sum(count for count, _ in verified.counts.values())
    differ = len(verified.wrong)
    yield f"{summary['experiment']}, fedasr {summary['version']}: {len(verified.run.rows)} rows"
    yield f"{figures:,} figures were computed again from the run folder alone: " + (
        f"{differ} differ" if differ else "none differs"
    )
    if differ:
        yield from ("", "WHAT DIFFERS", *(f"  {found.line()}" for found in verified.wrong))
    yield from ("", "WHAT WAS PROMISED", *_promises(verified.run))
    yield from ("", "WHAT WOULD VOID A PROMISE", *(f"  - {line}" for line in VOIDED_BY))
    yield from ("", "WHAT WAS CHECKED")
    for check, (count, wrong) in verified.counts.items():
        yield f"  {check}: {CHECKED.get(check, 'the files')}: {count:,} figures, {wrong or 'none'} differ"
    if verified.unknown:
        yield from ("", "WHAT THE FOLDER DOES NOT TELL")
        yield from (f"  {found.file}: {found.what}: {found.found}" for found in verified.unknown)


def _promising(run: RunEvidence) -> list[Row]:
    return [row for row in run.rows if row.record.get("epsilon") is not None]


def _promises(run: RunEvidence) -> Iterator[str]:
    for row in _promising(run):
        told = _promise(row)
        unit, neighbour = told["unit"], NEIGHBOURS.get(told["adjacency"], "").format(unit=told["unit"])
        yield f"  {told['row']}: ε = {told['epsilon']:.4g} at δ = {told['delta']:.3g} to each {unit}"
        yield f"    Whatever is learnt from it would have been learnt nearly as likely {neighbour}: no outcome is more"
        yield f"    than e^ε times as likely, but for δ. Planned before the first answer: {told['planned']}."
        yield f"    Trust: {told['trust'] or 'not told'}."
    for line in run.summary.get("together") or ():
        yield f"  Together: {_together(line)}"
    promised = {row.record["name"] for row in _promising(run)}
    others: dict[Any, list[str]] = {}
    for row in run.rows:
        if row.record["name"] not in promised:
            others.setdefault(row.record.get("private_speech"), []).append(row.folder.place)
    words = {True: "learnt from silos and promise nothing", False: "heard no silo's speech"}
    for private, names in others.items():
        yield f"  Rows that {words.get(private, 'promise nothing')}: {', '.join(names)}"


def _promise(row: Row) -> dict[str, Any]:
    promise = (row.privacy or {}).get("promise", {"planned": []})
    planned = [(line["mechanism"], line["count"]) for line in promise["planned"]]
    return {
        "row": row.folder.place, "epsilon": row.record["epsilon"], "delta": row.record["delta"],
        "unit": row.record["privacy_unit"], "adjacency": row.record["adjacency"],
        "bound": row.record.get("epsilon_bound"), "planned": planned_text(planned), "trust": row.record.get("trust"),
    }  # fmt: skip


def _together(line: Any) -> str:
    return ", ".join(f"{key} {value}" for key, value in line.items()) if isinstance(line, dict) else str(line)


def _wrapped(line: str) -> str:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.fill(line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
