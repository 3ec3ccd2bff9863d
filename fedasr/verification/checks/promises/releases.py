"""Releases: each stands in the ledger by its digest, as often as it answers; what was charged was released."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fedasr.verification.evidence import Row
from fedasr.verification.findings import Finding, Scribe
from fedasr.verification.tensors import Tensors, release_digest

CHECK = "releases"
CHECKPOINT, LEDGER, ANNOUNCED = "checkpoint/state.safetensors", "releases/ledger.jsonl", "releases/announced.jsonl"
STORED = "releases/*.safetensors"
ABSTAINED = -1
CHECKED_FIRST = "threshold"
"""The mechanism that is charged for every question; what answers after it, for every answer."""


def check_releases(row: Row) -> Iterator[Finding]:
    """Hash every release, and compare digest and count with its lines of the ledger."""
    ledger = Scribe(CHECK, row.folder.name(LEDGER))
    begun = row.ledger[: len(row.behind)] == row.behind
    yield ledger.holds("lines of what it begins from", begun, f"{len(row.ledger)} lines", f"{len(row.behind)} of these")
    charged = _by_release(row.ledger[len(row.behind) :] if begun else row.ledger)
    announced = {(line["key"], attempt_text(line["attempt"])) for line in row.folder.lines(ANNOUNCED)}
    stored = {name.removeprefix("releases/").removesuffix(".safetensors"): name for name in row.folder.names(STORED)}
    for key, lines in charged.items():
        drawn_here = [line for line in lines if (key, line["digest"]) not in announced]
        if drawn_here and key in stored:
            yield from _release(row, stored[key], drawn_here)
        elif drawn_here:
            yield ledger.holds(f"release {key}", False, "charged", "no such file in releases/")
    for key in sorted(stored.keys() - charged.keys()):
        tensors = row.folder.tensors(stored[key]).tensors
        numbers = sum(tensor.array().size for tensor in tensors.values())
        yield ledger.holds(f"release {key}", not numbers, "not charged", f"{numbers} numbers")
    for key, attempt in sorted(announced):
        found = [line["digest"] for line in charged.get(key, [])]
        yield ledger.holds(f"announced release {key}", attempt in found, attempt, found)


def attempt_text(attempt: int) -> str:
    """Return what stands in the place of a digest where others drew the noise."""
    return f"attempt {attempt}"


def _by_release(lines: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
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
        scribe = Scribe("checkpoint", row.folder.name(LEDGER))
        yield scribe.holds(
            "lines that the checkpoint was saved with", len(lines) >= mark["lines"], mark["lines"], len(lines)
        )
        yield scribe.same("their sha256, in the checkpoint", mark["sha256"], found.hexdigest())
