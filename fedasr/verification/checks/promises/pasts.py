"""Provenance: what a model's file says of its past is sealed, of these weights, and of the row's own ledger."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from fedasr.verification.evidence import Row
from fedasr.verification.findings import Finding, Scribe
from fedasr.verification.tensors import weights_digest

CHECK = "provenance"
MODEL, LEDGER, PROVENANCE, SEAL = "model.safetensors", "releases/ledger.jsonl", "provenance", "sha256"


def check_pasts(row: Row) -> Iterator[Finding]:
    """Compare the provenance in a model's file with its weights, with the ledger and with the promise."""
    if not row.folder.has(MODEL):
        return
    scribe, stored = Scribe(CHECK, row.folder.name(MODEL)), row.folder.tensors(MODEL)
    told = stored.description.get(PROVENANCE)
    if told is None:
        yield scribe.unknown("which speech it has heard", None, "its file holds no provenance")
        return
    plain = {key: value for key, value in told.items() if key != SEAL}
    sealed = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
    yield scribe.same("seal of its provenance", told[SEAL], sealed)
    yield scribe.same("model_sha256 in its provenance", told["model_sha256"], weights_digest(stored.tensors))
    past, own = told["ledger"], row.ledger
    is_same = past[len(past) - len(own) :] == own if len(past) >= len(own) else False
    yield scribe.holds("ledger in its provenance", is_same, f"{len(past)} lines", f"{len(own)} lines of {LEDGER}")
    if row.record["epsilon"] is not None and row.privacy is not None:
        yield scribe.same("promise in its provenance", told["promise"], row.privacy.get("promise"))
    if row.privacy is not None and "declared" in row.privacy:
        yield scribe.same("declared public in its provenance", told["declared"], row.privacy["declared"])
