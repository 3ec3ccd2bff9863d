"""Releases: each stands in the ledger by its digest, as often as it answers; what was charged was released."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from fedasr.verification.evidence import Row
from fedasr.verification.findings import Finding, Scribe
from fedasr.verification.tensors import Tensors, release_digest

CHECK = "releases"
CHECKPOINT, LEDGER = "checkpoint/state.safetensors", "releases/ledger.jsonl"
ABSTAINED = -1
CHECKED_FIRST = "threshold"
"""The mechanism that is charged for every question; what answers after it, for every answer."""


def check_releases(row: Row) -> Iterator[Finding]:
    """Hash every release, and compare digest and count with its lines of the ledger."""
    lines = _by_release(row)
    ledger = Scribe(CHECK, row.folder.name("releases/ledger.jsonl"))
    announced = {
        (line["key"], f"attempt {line['attempt']}") for line in row.folder.lines("releases/announced.jsonl")
    }  # fmt: skip
    names = {name.removeprefix("releases/").removesuffix(".safetensors"): name
             for name in row.folder.names("releases/*.safetensors")}  # fmt: skip
    for key, charged in lines.items():
        attempts = [line for line in charged if (key, line["digest"]) in announced]
        if key in names and len(attempts) < len(charged):
            yield from _release(row, names[key], [line for line in charged if line not in attempts])
        elif len(attempts) < len(charged):
            yield ledger.holds(f"release {key}", False, "charged", "no such file in releases/")
    for key in names.keys() - lines.keys():
        stored = row.folder.tensors(names[key])
        answered = sum(tensor.array().size for tensor in stored.tensors.values())
        is_announced = any(key == one for one, _ in announced)
        yield ledger.holds(f"release {key}", is_announced or not answered, "not charged", f"{answered} numbers")
    for key, attempt in sorted(announced):
        yield ledger.holds(f"announced release {key}", any(line["digest"] == attempt for line in lines.get(key, [])),
                           attempt, sorted(line["digest"] for line in lines.get(key, [])))  # fmt: skip


def own_lines(row: Row) -> list[dict[str, Any]]:
    """Return the lines of a ledger that are not a row's before it."""
    return [line for line in row.ledger if not line.get("inherited")]


def _by_release(row: Row) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in own_lines(row):
        found[line["key"].removesuffix(f".{line['mechanism']['kind']}")].append(line)
    return dict(found)


def _release(row: Row, name: str, charged: list[dict[str, Any]]) -> Iterator[Finding]:
    scribe, stored = Scribe(CHECK, row.folder.name(name)), row.folder.tensors(name)
    found = release_digest(stored.tensors, stored.description["draw"])
    paid = [line for line in charged if line["digest"] == found]
    yield scribe.holds("digest", bool(paid), sorted({line["digest"][:16] for line in charged}), found[:16])
    for line in paid:
        yield scribe.same(f"count of {line['mechanism']['kind']}", line["count"], _answers(line["mechanism"], stored))


def _answers(mechanism: Mapping[str, Any], stored: Tensors) -> int:
    """Return how many answers a release holds, of the mechanism's kind."""
    if "answers" in stored.tensors:
        answers = stored.tensors["answers"].array()
        return int(answers.size if mechanism["kind"] == CHECKED_FIRST else (answers != ABSTAINED).sum())
    return len(stored.tensors["means"].array()) if "means" in stored.tensors else 1


def check_mark(row: Row) -> Iterator[Finding]:
    """Hash the lines of the ledger that the checkpoint was saved with."""
    if not row.folder.has(CHECKPOINT):
        return
    mark = row.folder.tensors(CHECKPOINT).description.get("ledger")
    if mark:
        has = row.folder.has(LEDGER)
        lines = row.folder.path(LEDGER).read_bytes().split(b"\n")[:-1] if has else []
        found = hashlib.sha256(b"".join(line + b"\n" for line in lines[: mark["lines"]]))
        scribe = Scribe(CHECK, row.folder.name(LEDGER))
        yield scribe.holds(
            "lines that the checkpoint was saved with", len(lines) >= mark["lines"], mark["lines"], len(lines)
        )
        yield scribe.same("their sha256, in the checkpoint", mark["sha256"], found.hexdigest())
