"""The life of a row: from what it is put together from to a scored model and its line of the summary."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from fedasr.asr.recogniser import Weights, digest, in_types_of
from fedasr.common.errors import DiskError, RowError, UserError
from fedasr.common.memory import PeakMemory
from fedasr.engine.agreement import agreement
from fedasr.engine.assembly import Assembly
from fedasr.engine.failure import reason_of
from fedasr.engine.overlap import overlap
from fedasr.engine.scores import score_model, score_silo_models
from fedasr.engine.stages.ancestry import handed_on
from fedasr.engine.stages.origin import provenance_after
from fedasr.engine.summary import descent, described, logged, private_speech, promise
from fedasr.grid.silo_grid import SiloGrid
from fedasr.runs.decoder_file import save_decoder
from fedasr.runs.model_file import save_model
from fedasr.runs.row_summary import FAILED, FINISHED, RowSummary
from fedasr.server.central import Central
from fedasr.server.foreign.own_loop import wants_central
from fedasr.server.rounds import drive
from fedasr.server.saved_round import forget_what_cannot_be_restored
from fedasr.wire.codec import WireError, check_float32

log = logging.getLogger("fedasr")


def run_row(parts: Assembly) -> RowSummary:
    """Run a row, write its files and return its line of the summary, failed or finished."""
    parts.workers.forget()
    begun, summary = time.monotonic(), described(parts)
    with PeakMemory() as memory:
        try:
            ended = _accounted(parts, {"status": FINISHED, **_scored(parts)})
        except DiskError:
            raise
        except Exception as failure:  # one row's: the others are kept
            ended = _failed(parts, failure)
    seconds = time.monotonic() - begun
    summary = replace(summary, **ended, wall_seconds=seconds, peak_memory_bytes=memory.bytes)
    try:
        parts.folder.finish(summary)
    except RowError as failure:  # what was measured is no number
        summary = replace(described(parts), failure=str(failure))
        parts.folder.finish(summary)
    return summary


def _failed(parts: Assembly, failure: Exception) -> dict[str, Any]:
    """Return what is to be said of a row that failed, as far as its logs can be read."""
    ended = {"status": FAILED, "failure": reason_of(failure, parts.folder)}
    try:
        parts.releases.save()
        return _accounted(parts, ended)
    except DiskError:
        raise
    except UserError:
        return ended


def _accounted(parts: Assembly, ended: dict[str, Any]) -> dict[str, Any]:
    """Return how a row ended with what its logs add up to and what it promises."""
    messages = parts.folder.messages()
    told = ended.pop("note", None)
    ended = logged(parts.folder.rounds(), messages) | ended
    ended["private_speech"] = private_speech(parts, messages, ended["status"] == FINISHED)
    ended |= promise(parts.releases) | descent(parts)
    notes = [getattr(parts.strategy, "remark", None), ended.get("note"), told]
    if (reason := parts.folder.begun_anew()) is not None:
        notes.append(f"begun anew, it could not go on from where it was interrupted: {reason}")
    return {**ended, "note": "; ".join(filter(None, notes)) or None}


def _inherit(parts: Assembly, grid: SiloGrid) -> None:
    """Take over what is behind the row's model: debts and, where another row ended there, its silos' states."""
    unprotected = parts.ancestry.unprotected() if parts.ancestry is not None else None
    parts.releases.inherit(parts.origin.inheritance(unprotected))
    if parts.origin.is_void:
        log.warning("%s: nothing can be promised, %s", parts.row.name, parts.origin.told)
    if parts.ancestry is not None and parts.folder.load_checkpoint() is None:  # else the states are the checkpoint's
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
    last = drive(parts.strategy, central.grid, central)
    if _is_begun_from(parts):
        parts.folder.keep_states(handed_on(grid.silo_states()))
    scores = score_silo_models(parts, central.per_silo) if last is None else _scored_model(parts, central, last)
    central.releases.save()
    scores |= overlap(parts, central)
    notes = [central.scored.note, _wider(central.start, last or {}), _agreed(scores), _overlapping(scores)]
    return {**scores, "scored": central.scored.followed, "note": "; ".join(filter(None, notes)) or None}


def _wider(start: Weights, last: Weights) -> str:
    """Return why more bytes go down than the start has, where a strategy makes its model in a wider type."""
    before, after = (sum(array.nbytes for array in weights.values()) for weights in (start, last))
    if after <= before:
        return ""
    kinds = sorted({str(array.dtype) for array in last.values()} - {str(array.dtype) for array in start.values()})
    return f"the strategy's model is {', '.join(kinds)}: it goes to the silos in {after / before:.3g} times the bytes"


def _agreed(scores: dict[str, Any]) -> str:
    """Return how far a student agrees with its teacher, in words."""
    all_frames, spoken = scores.get("teacher_agreement"), scores.get("teacher_agreement_spoken")
    if all_frames is None:
        return ""
    apart = "" if spoken is None else f", on {spoken:.0%} of those in which the teacher hears something said"
    return f"agrees with its teacher on {all_frames:.0%} of the development speakers' frames{apart}"


def _overlapping(scores: dict[str, Any]) -> str:
    """Return how far private gradients lie in the public directions on which a row projects, in words."""
    found = scores.get("subspace_overlap")
    if found is None:
        return ""
    return f"at the start {found:.1%} of the private gradients' longest directions lies in the public ones"


def _scored_model(parts: Assembly, central: Central, last: Weights) -> dict[str, Any]:
    """Save and score the weights that the experiment's rule gives."""
    weights, last = central.scored.weights(last), in_types_of(central.start, last)
    _save(parts, parts.folder.model, weights)
    if parts.prepared.decoder is not None:
        save_decoder(parts.folder.decoder, parts.prepared.decoder)
    agreed = agreement(parts, central, weights)
    if digest(weights) == digest(last):  # its last round told what it does on the development speakers
        return {**score_model(parts, weights), **agreed}
    if _is_begun_from(parts) and any(parts.folder.kept_states()):  # silos' states belong to the last iterate
        _save(parts, parts.folder.last, last)
    wer, loss = central.evaluated(weights)
    return {**score_model(parts, weights), **agreed, "development_wer": wer, "development_loss": loss}


def _is_begun_from(parts: Assembly) -> bool:
    return any(other.parent == parts.row.name for other in parts.prepared.experiment.compare)


def _save(parts: Assembly, path: Path, weights: Weights) -> None:
    prepared = parts.prepared
    past = provenance_after(parts.origin, prepared, parts.releases)
    save_model(path, weights, prepared.recogniser_spec, prepared.tokens, prepared.experiment.corpus.text, past)
