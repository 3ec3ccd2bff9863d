"""The life of a row: from what it is put together from to a scored model and its line of the summary."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from fedasr.asr.recogniser import Weights, in_types_of
from fedasr.common.errors import RowError
from fedasr.common.memory import PeakMemory
from fedasr.engine.assembly import Assembly
from fedasr.engine.scores import score_model, score_silo_models
from fedasr.engine.summary import descent, described, logged, promise
from fedasr.grid.silo_grid import SiloGrid
from fedasr.runs.decoder_file import save_decoder
from fedasr.runs.model_file import save_model
from fedasr.runs.row_summary import FAILED, FINISHED, RowSummary
from fedasr.server.foreign.own_loop import wants_central
from fedasr.server.rounds import drive
from fedasr.server.saved_round import forget_what_cannot_be_restored
from fedasr.wire.codec import WireError, check_float32


def run_row(parts: Assembly) -> RowSummary:
    """Run a row, write its files and return its line of the summary, failed or finished."""
    parts.workers.forget()
    begun, summary = time.monotonic(), described(parts)
    with PeakMemory() as memory:
        try:
            ended = {"status": FINISHED, **_scored(parts)}
        except RowError as failure:
            parts.releases.save()
            ended = {"status": FAILED, "failure": str(failure)}
        ended |= logged(parts.folder.rounds(), parts.folder.messages()) | promise(parts.releases) | descent(parts)
    notes = [getattr(parts.strategy, "remark", None), ended.get("note")]
    if (reason := parts.folder.begun_anew()) is not None:
        notes.append(f"begun anew, it could not go on from where it was interrupted: {reason}")
    ended["note"] = "; ".join(filter(None, notes)) or None
    seconds = time.monotonic() - begun
    summary = replace(summary, **ended, wall_seconds=seconds, peak_memory_bytes=memory.bytes)
    parts.folder.finish(summary)
    return summary


def _inherit(parts: Assembly, grid: SiloGrid) -> None:
    """Take over what the row before left to a row that begins where it ended: debts, and the silos' states."""
    if parts.ancestry is None:
        return
    parts.releases.inherit(parts.ancestry.inheritance())
    if parts.folder.load_checkpoint() is None:  # else the states are the checkpoint's
        parts.inherit_states(grid)


def _check_types(parts: Assembly, start: Weights) -> None:
    """Refuse a codec that would turn the model's numbers into another type, before anything is trained."""
    try:
        if not parts.codec.is_exact:
            check_float32(start)
    except WireError as error:
        raise RowError(f"{type(parts.codec).__name__}: {error}") from error


def _scored(parts: Assembly) -> dict[str, Any]:
    """Train, and return what the model, or each silo's own, does on the test speakers."""
    if not wants_central(parts.strategy):
        forget_what_cannot_be_restored(parts.strategy, parts.row.name, parts.folder)
    if parts.folder.load_checkpoint() is None:
        parts.folder.rewind(-1)  # a run that was killed logged this row and saved nothing to go on from
    grid = parts.grid()
    _inherit(parts, grid)
    central = parts.central(grid)
    _check_types(parts, central.start)
    weights = drive(parts.strategy, central.grid, central)
    if any(other.parent == parts.row.name for other in parts.prepared.experiment.compare):
        parts.folder.keep_states(grid.silo_states())
    if weights is None:
        scores = score_silo_models(parts, central.per_silo)
    else:
        weights = in_types_of(central.start, weights)
        text = parts.prepared.experiment.corpus.text
        save_model(parts.folder.model, weights, central.recogniser_spec, central.tokens, text)
        if parts.prepared.decoder is not None:
            save_decoder(parts.folder.decoder, parts.prepared.decoder)
        scores = score_model(parts, weights)
    central.releases.save()
    return scores
