"""Speech: all rows were scored on the same utterances, those of the speakers whom nobody trains on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fedasr.verification.evidence import PARTITION, RunEvidence
from fedasr.verification.findings import Finding, Scribe

CHECK = "speech"


def check_spoken(run: RunEvidence) -> Iterator[Finding]:
    """Compare the hypotheses of each row with the partition, and their references with each other's."""
    partition = run.folder.json(PARTITION)
    test, first = partition["test"], None
    for row in run.rows:
        if not row.heard:
            continue
        scribe = Scribe(CHECK, row.folder.name("hypotheses.jsonl"))
        said = [(line["id"], line["speaker"], line["reference"]) for line in row.heard]
        yield scribe.same("utterances", len(said), test["utterances"])
        yield scribe.same("utterances that stand there twice", len(said) - len({one[0] for one in said}), 0)
        yield scribe.same("speakers", sorted({one[1] for one in said}), sorted(test["speakers"]))
        first = first or (row.folder.place, sorted(said))
        yield scribe.holds(f"what was said, beside {first[0]}", sorted(said) == first[1], len(said), len(first[1]))
    yield from _apart(partition, Scribe(CHECK, run.folder.name(PARTITION)))


def _apart(partition: dict[str, Any], scribe: Scribe) -> Iterator[Finding]:
    silos = {name for silo in partition["silos"] for name in silo["speakers"]}
    for part in ("development", "test"):
        yield scribe.same(f"{part} speakers whom silos train on", sorted(silos & set(partition[part]["speakers"])), [])
