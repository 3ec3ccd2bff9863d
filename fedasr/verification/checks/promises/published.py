"""Together: what all rows, seeds and draws that heard the same speakers promise as one publication."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from fedasr.verification.checks.promises.epsilons import merged
from fedasr.verification.costs import bounds, smallest
from fedasr.verification.evidence import PARTITION, SUMMARY, Row, RunEvidence
from fedasr.verification.findings import Finding, Scribe

CHECK = "together"
TOGETHER = "epsilon_together"
GUARANTEES = ("accountant", "data-independent", "sanitised")


def check_published(run: RunEvidence) -> Iterator[Finding]:
    """Compose the promises of each unit and adjacency again, over all draws that share a speaker."""
    lines, scribe = run.summary.get("together"), Scribe(CHECK, run.folder.name(SUMMARY))
    groups = _groups(run)
    if lines is None:
        if groups:
            yield scribe.unknown("together", None, "an earlier version composed no promises")
        return
    told = {(line["unit"], line["adjacency"], tuple(line["draws"])): line for line in lines}
    yield scribe.same("units, adjacencies, draws", sorted(told), sorted(groups))
    for key, rows in groups.items():
        line = told.get(key, {})
        what = f"of {key[0]}, {key[1]}"
        yield scribe.same(f"rows {what}", line.get("rows"), list(dict.fromkeys(row.record["name"] for row in rows)))
        yield scribe.same(f"trainings {what}", line.get("trainings"), len(rows))
        delta = max(row.record["delta"] for row in rows)
        yield scribe.same(f"delta {what}", line.get("delta"), delta)
        yield scribe.same(f"largest {what}", line.get("largest"), max(row.record["epsilon"] for row in rows))
        if len(rows) == 1:
            yield scribe.same(f"epsilon {what}", line.get("epsilon"), rows[0].record["epsilon"])
        elif line.get("epsilon") is not None:
            planned = merged([one for row in rows for one in _own(row, rows)])
            yield scribe.within(f"epsilon {what}", line.get("epsilon"), *smallest(bounds(planned, delta, key[1])))
        for row in rows:
            yield scribe.same(f"{TOGETHER} of {row.folder.place}", row.record.get(TOGETHER), line.get("epsilon"))


def _groups(run: RunEvidence) -> dict[tuple[str, str, tuple[int, ...]], list[Row]]:
    """Return the rows that promise something, by unit, adjacency and circle of draws."""
    circles = _circles(run)
    found: dict[tuple[str, str, tuple[int, ...]], list[Row]] = defaultdict(list)
    for row in run.rows:
        if row.record["epsilon"] is not None and row.record["epsilon_kind"] in GUARANTEES:
            circle = next((one for one in circles if row.record.get("draw") in one), ())
            found[row.record["privacy_unit"], row.record["adjacency"], circle].append(row)
    alike = {}
    for (unit, adjacency, _), rows in found.items():
        draws = {row.record["draw"] for row in rows if row.record.get("draw") is not None}
        alike[unit, adjacency, tuple(sorted(draws))] = rows
    return alike


def _circles(run: RunEvidence) -> list[tuple[int, ...]]:
    """Return the draws in circles: two whose silos share a speaker are in one."""
    heard: dict[int, set[str]] = {}
    for draw in run.draws():
        number = int(draw.folder.place.removeprefix("draw-"))
        row = next((one for one in run.rows if one.record.get("draw") == number), None)
        lead = f"{row.record['population']} · " if row and row.record.get("population") else ""
        heard[number] = {lead + name for silo in draw.folder.json(PARTITION)["silos"] for name in silo["speakers"]}
    circles: list[set[int]] = []
    for number, speakers in heard.items():
        joined = [one for one in circles if any(heard[other] & speakers for other in one)]
        circles = [one for one in circles if one not in joined] + [set().union({number}, *joined)]
    return [tuple(sorted(one)) for one in circles]


def _own(row: Row, others: Sequence[Row]) -> list[tuple[Any, int]]:
    """Return what a row planned, less what the nearest row behind it did: that one is among the others."""
    planned = _planned(row)
    there = {
        other.record["name"]: other
        for other in others
        if (other.record.get("draw"), other.record["seed"]) == (row.record.get("draw"), row.record["seed"])
    }
    behind = next((there[name] for name in reversed(row.record["lineage"]) if name in there), None)
    if behind is None:
        return planned
    left = merged([*planned, *((mechanism, -count) for mechanism, count in _planned(behind))])
    return planned if any(count < 0 for _, count in left) else left


def _planned(row: Row) -> list[tuple[Any, int]]:
    promise = (row.privacy or {}).get("promise") or {"planned": []}
    return [(line["mechanism"], line["count"]) for line in promise["planned"]]
