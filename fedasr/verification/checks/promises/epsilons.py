"""ε: every bound of a promise, and what its releases cost, computed again from their public numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from fedasr.verification.costs import bounds, charged, smallest
from fedasr.verification.evidence import Row
from fedasr.verification.findings import Finding, Scribe

CHECK = "epsilon"
PRIVACY = "privacy.json"
SANITISED, VOID = "sanitised", "void"
SAME = {"epsilon": "epsilon", "epsilon_spent": "epsilon_spent", "epsilon_bound": "epsilon_bound"}
OF_A_GUARANTEE = {"delta": "delta", "privacy_unit": "unit", "adjacency": "adjacency", "epsilon_kind": "kind"}


def check_epsilons(row: Row) -> Iterator[Finding]:
    """Compare the row with its ``privacy.json``, this with its ledger, and both with what is computed again."""
    written, scribe = row.privacy, Scribe(CHECK, row.folder.name(PRIVACY))
    own = Scribe(CHECK, row.folder.name("row.jsonl"))
    if written is None:
        yield own.same("epsilon, with no privacy.json", row.record["epsilon"], None)
        return
    if "promise" not in written:
        yield scribe.unknown("epsilon", written["epsilon"], "an earlier version wrote no promise beside it")
        return
    for key, other in SAME.items():
        yield own.same(f"{key} beside privacy.json", row.record[key], written[other])
    for key, other in OF_A_GUARANTEE.items() if row.record["epsilon"] is not None else ():
        yield own.same(f"{key} beside privacy.json", row.record[key], written[other])
    yield scribe.holds("ledger beside releases/ledger.jsonl", written["ledger"] == row.ledger,
                       f"{len(written['ledger'])} lines", f"{len(row.ledger)} lines")  # fmt: skip
    yield from _terms(row, written)
    yield from _promise(written, scribe)
    yield from _spent(row, written, scribe)


def _terms(row: Row, written: dict[str, Any]) -> Iterator[Finding]:
    """Every line of the ledger is of the promise's unit and adjacency; noise or sampling that void it are said."""
    scribe = Scribe(CHECK, row.folder.name("releases/ledger.jsonl"))
    for key in ("unit", "adjacency"):
        yield scribe.same(key, sorted({line[key] for line in row.ledger} | {written[key]}), [written[key]])
        yield scribe.same(f"{key} of the promise", written["promise"][key], written[key])
    is_void = any(line["noise"] != "secure" or line["sampling_assumed"] != line["sampling_used"] for line in row.ledger)
    if is_void:
        yield scribe.same("epsilon of a row whose noise or sampling is not as assumed", row.record["epsilon"], None)


def _promise(written: dict[str, Any], scribe: Scribe) -> Iterator[Finding]:
    promise, told = written["promise"], written["bounds"]
    planned = [(line["mechanism"], line["count"]) for line in promise["planned"]]
    yield scribe.same("delta of the promise", promise["delta"], written["delta"])
    if written["epsilon"] is None:
        return
    found = bounds(planned, promise["delta"], promise["adjacency"])
    for name, value in told.items():
        low, high = found.get(name, (math.inf, math.inf))
        yield scribe.within(f"bound '{name}'", value, low, high)
    if written["kind"] == SANITISED:
        yield scribe.unknown("epsilon", written["epsilon"], "the votes that a sanitised divergence was told of")
        return
    least = min(told.items(), key=lambda bound: bound[1], default=(None, None))
    yield scribe.same("epsilon, the smallest of the bounds", written["epsilon"], least[1])
    yield scribe.same("epsilon_bound, its name", written["epsilon_bound"], least[0])
    yield scribe.within("epsilon", written["epsilon"], *smallest(found))


def _spent(row: Row, written: dict[str, Any], scribe: Scribe) -> Iterator[Finding]:
    if written["epsilon_spent"] is None or written["kind"] == SANITISED:
        return
    releases = [(charged(line), line["count"]) for line in row.ledger]
    ends = smallest(bounds(merged(releases), written["delta"], written["adjacency"]))
    yield scribe.within("epsilon_spent", written["epsilon_spent"], *ends)


def merged(releases: list[tuple[Any, int]]) -> list[tuple[Any, int]]:
    """Return releases with like mechanisms taken together."""
    found: list[tuple[Any, int]] = []
    for mechanism, count in releases:
        place = next((n for n, (known, _) in enumerate(found) if known == mechanism), None)
        if place is None:
            found.append((mechanism, count))
        else:
            found[place] = mechanism, found[place][1] + count
    return found
