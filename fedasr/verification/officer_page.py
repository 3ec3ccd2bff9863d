"""One page for a data-protection officer: what was promised to whom, what would void it, what was checked and found."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_CEILING, Context, Decimal
from typing import Any

from fedasr.verification.checks.promises.plans import planned_text
from fedasr.verification.evidence import Row, RunEvidence, UnreadableError
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
    "releases": "digests and counts of what was published, beside the ledger",
    "checkpoint": "the ledger holds all that it held when the checkpoint was saved",
    "provenance": "what a model's file says of its past: of these weights, and of the row's own ledger and promise",
    "epsilon": "every ε, by numerical integration or Fourier transform of privacy losses",
    "together": "what all rows, seeds and draws that heard the same speakers promise as one publication",
    "plan": "no more was released than was planned before the first answer; targets as asked for",
    "trust": "every ε says against whom it holds, and what is promised against others",
    "noise": "published sums are as long as the noise that was charged makes them",
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
        yield from _untold(verified.unknown)


def _untold(findings: Sequence[Finding]) -> Iterator[str]:
    places: dict[tuple[str, Any], list[str]] = {}
    for found in findings:
        places.setdefault((found.what, found.found), []).append(found.file)
    for (what, missing), files in places.items():
        yield f"  {what}: {missing} ({', '.join(files)})"


def _promising(run: RunEvidence) -> list[Row]:
    return [row for row in run.rows if row.record.get("epsilon") is not None]


def _promises(run: RunEvidence) -> Iterator[str]:
    kinds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for told in map(_promise, _promising(run)):
        kinds.setdefault((told["unit"], told["adjacency"]), []).append(told)
    for (unit, adjacency), promises in kinds.items():
        neighbour = NEIGHBOURS.get(adjacency, adjacency).format(unit=unit)
        yield f"  To each {unit} ({adjacency}): no outcome is more than e^ε times as likely as {neighbour}, but for δ."
        for told in promises:
            how = f"by '{told['bound']}'; planned: {told['planned']}"
            yield f"    {told['row']}: ε = {_up(told['epsilon'])}, δ = {told['delta']:.3g}, {how}"
        for trust in dict.fromkeys(told["trust"] or "the folder does not say" for told in promises):
            yield f"    Under this trust: {trust}"
    yield from _declared(run)
    yield from map(_together, run.summary.get("together") or ())
    yield from _unpromising(run)


def _declared(run: RunEvidence) -> Iterator[str]:
    """Yield what rests on the experiment's word: what models from elsewhere have heard, which no file tells."""
    for row in run.rows:
        if names := _privacy(row).get("declared"):
            told = f"that {', '.join(names)}, behind its start, has heard nobody in the silos"
            yield f"  Declared, and checked by nobody: {row.folder.place}: {told}"


def _unpromising(run: RunEvidence) -> Iterator[str]:
    others: dict[Any, list[str]] = {}
    for row in run.rows:
        if row.record.get("epsilon") is None:
            others.setdefault(row.record.get("private_speech"), []).append(row.folder.place)
    words = {True: "learnt from silos and promise nothing", False: "heard no silo's speech"}
    for private, names in others.items():
        yield f"  Rows that {words.get(private, 'promise nothing')}: {', '.join(names)}"


def _promise(row: Row) -> dict[str, Any]:
    promise = _privacy(row).get("promise", {"planned": []})
    planned = [(line["mechanism"], line["count"]) for line in promise["planned"]]
    return {
        "row": row.folder.place, "epsilon": row.record["epsilon"], "delta": row.record["delta"],
        "unit": row.record["privacy_unit"], "adjacency": row.record["adjacency"],
        "bound": row.record.get("epsilon_bound"), "planned": planned_text(planned), "trust": row.record.get("trust"),
    }  # fmt: skip


def _together(line: Mapping[str, Any]) -> str:
    epsilon = "nothing bounds it" if line["epsilon"] is None else f"ε = {_up(line['epsilon'])}, δ = {line['delta']:.3g}"
    return f"  All that is published together, to each {line['unit']} ({line['adjacency']}): {epsilon}"


def _privacy(row: Row) -> Mapping[str, Any]:
    """Return what a row promises; nothing where that cannot be read, which stands among what differs."""
    try:
        return row.privacy or {}
    except UnreadableError:
        return {}


def _up(epsilon: float) -> str:
    """Return an ε in four digits, rounded up: less would promise more than holds."""
    rounded = Context(prec=4, rounding=ROUND_CEILING).create_decimal(Decimal(repr(epsilon)))
    return f"{rounded.normalize():f}"


def _wrapped(line: str) -> str:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.fill(line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
