"""Rows: every row that was asked for stands in the summary as its own folder has it, and is nobody's copy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from fedasr.verification.evidence import SUMMARY, Row, RunEvidence, UnreadableError
from fedasr.verification.findings import Finding, Scribe
from fedasr.verification.tensors import weights_digest

CHECK = "rows"
CHOICES = ("strategy", "objective", "network")
OF_THE_SUMMARY = {"epsilon_together"}
"""What a row of the summary says of all that is published with it: `checks.promises.published` compares it."""
START = "start/seed-{}.safetensors"
UNTRAINED = "public-only"


def check_rows(run: RunEvidence) -> Iterator[Finding]:
    """Compare the summary with what was asked for and with each row's own line."""
    scribe = Scribe(CHECK, run.folder.name(SUMMARY))
    written = [(row.record["name"], row.record["seed"]) for row in run.rows]
    yield scribe.same("rows, seeds", written, _asked(run.experiment))
    for key in ("name", "scored"):
        yield scribe.same(key, run.summary["experiment" if key == "name" else key], run.experiment.get(key))
    for row in run.rows:
        yield from _own_line(row, scribe)
        yield from _as_asked(run, row, scribe)
        yield from _readable(row)
    yield from _copies(run)


def _asked(experiment: dict[str, Any]) -> list[tuple[str, int]]:
    seeds = experiment.get("seeds") or [experiment["seed"]]
    return [(row["name"], seed) for row in experiment["compare"] for seed in seeds]


def _own_line(row: Row, scribe: Scribe) -> Iterator[Finding]:
    """Compare a line of the summary with the row's own."""
    lines = row.folder.lines("row.jsonl")
    own = lines[0] if lines else {}
    name = row.folder.place
    for key in sorted((set(own) | set(row.record)) - OF_THE_SUMMARY):
        yield scribe.same(f"{key} of {name} beside its row.jsonl", row.record.get(key), own.get(key))


def _as_asked(run: RunEvidence, row: Row, scribe: Scribe) -> Iterator[Finding]:
    asked: dict[str, Any] = next((one for one in run.experiment["compare"] if one["name"] == row.record["name"]), {})
    for key in CHOICES:
        yield scribe.same(f"{key} of {row.folder.place} beside {run.folder.name('experiment.toml')}",
                          row.record[key], asked.get(key))  # fmt: skip


def _readable(row: Row) -> Iterator[Finding]:
    """Read all that a row wrote, also what no other check needs."""
    for read, pattern in ((row.folder.json, "*.json"), (row.folder.lines, "*.jsonl")):
        for name in row.folder.names(pattern):
            try:
                read(name)
                found = "readable"
            except UnreadableError as error:
                found = str(error)
            yield Scribe(CHECK, row.folder.name(name)).same("its form", "readable", found)


def _copies(run: RunEvidence) -> Iterator[Finding]:
    """Look for what only a copy repeats: the number of a draw of noise, the weights of another seed's start."""
    draws: dict[str, list[str]] = defaultdict(list)
    for row in run.rows:
        for name in row.folder.names("releases/*.safetensors"):
            draw = row.folder.tensors(name).description["draw"]
            if draw:
                draws[draw].append(row.folder.name(name))
        if row.record["strategy"] == UNTRAINED and not row.record["rounds"] and not row.record["role"]:
            yield from _untrained(run, row)
    yield from _seeds(run)
    for places in draws.values():
        first, *others = places
        yield Scribe(CHECK, first).same("other releases with its draw of noise", others, [])


def _untrained(run: RunEvidence, row: Row) -> Iterator[Finding]:
    """A row that takes the start as it is has the weights of its seed's start."""
    start = START.format(row.record["seed"])
    if run.folder.has(start):
        found = weights_digest(run.folder.tensors(start).tensors)
        yield Scribe(CHECK, row.folder.name("row.jsonl")).same(
            f"model_sha256 beside {start}", row.record["model_sha256"], found
        )


def _seeds(run: RunEvidence) -> Iterator[Finding]:
    """Two seeds whose starts differ do not end with one model."""
    models: dict[tuple[str, str], dict[int, Row]] = defaultdict(dict)
    for row in run.rows:
        if row.has_finished and row.record["model_sha256"] and run.folder.has(START.format(row.record["seed"])):
            models[row.record["name"], row.record["model_sha256"]][row.record["seed"]] = row
    for rows in models.values():
        starts = {weights_digest(run.folder.tensors(START.format(seed)).tensors) for seed in rows}
        for row in list(rows.values())[1:]:
            scribe = Scribe(CHECK, row.folder.name("row.jsonl"))
            yield scribe.holds("model_sha256 beside other seeds'", len(starts) == 1, row.record["model_sha256"],
                               f"that of seed {next(iter(rows))}, whose start is another")  # fmt: skip
