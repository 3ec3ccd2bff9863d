"""Draws: what the summary of several draws of the speakers adds to each draw's own."""

from __future__ import annotations

from collections.abc import Iterator

from fedasr.verification.checks.rows import OF_THE_SUMMARY
from fedasr.verification.evidence import PARTITION, SUMMARY, RunEvidence
from fedasr.verification.findings import Finding, Scribe

CHECK = "rows"
SYNTHETIC = "synthetic"


def check_draws(run: RunEvidence) -> Iterator[Finding]:
    """Compare the rows of the summary with those of the draws, in their order."""
    scribe = Scribe(CHECK, run.folder.name(SUMMARY))
    found, places = [], {draw.folder.place: draw for draw in run.draws()}
    asked = [f"draw-{draw}" for draw in run.experiment["draws"]]
    yield scribe.same("draws", [place for place in asked if place in places], asked)
    for place in asked:
        draw, number = places[place], int(place.removeprefix("draw-"))
        found += [{**row.record, "folder": row.folder.place, **_facts(draw, number)} for row in draw.rows]
    written = [dict(row.record) for row in run.rows]
    yield scribe.same("rows of all draws", len(written), len(found))
    for line, other in zip(written, found, strict=False):
        for key in sorted((set(line) | set(other)) - OF_THE_SUMMARY):
            yield scribe.same(f"{key} of {other['folder']} beside its draw", line.get(key), other.get(key))


def _facts(run: RunEvidence, draw: int) -> dict[str, object]:
    """Return what tells the speakers of a draw from another draw's, and on how many its models were trained."""
    corpus, partition = run.experiment["corpus"], run.folder.json(PARTITION)
    renders = corpus["kind"] == SYNTHETIC and not corpus.get("test")
    trained = {name for silo in partition["silos"] for name in silo["speakers"]}
    trained |= set(partition["public_labelled"]["speakers"])
    return {"draw": draw, "population": f"draw {draw}" if renders else None, "training_speakers": len(trained)}
