"""Hashes: a row's digest of its weights, from the bytes of the file that holds them."""

from __future__ import annotations

from collections.abc import Iterator

from fedasr.verification.evidence import Row
from fedasr.verification.findings import Finding, Scribe
from fedasr.verification.tensors import weights_digest

CHECK = "weights"
MODEL = "model.safetensors"


def check_hashes(row: Row) -> Iterator[Finding]:
    """Hash the weights; of rows whose models stay with their silos there is no file."""
    scribe = Scribe(CHECK, row.folder.name(MODEL))
    written = row.record["model_sha256"]
    if not row.folder.has(MODEL):
        yield scribe.unknown("model_sha256", written, "its models stay with the silos")
        return
    yield scribe.same("model_sha256", written, weights_digest(row.folder.tensors(MODEL).tensors))
