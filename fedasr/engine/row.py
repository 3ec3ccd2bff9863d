"""The life of a row: from what it is put together from to a scored model and its line of the summary."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from fedasr.common.errors import RowError
from fedasr.common.memory import PeakMemory
from fedasr.engine.assembly import Assembly
from fedasr.engine.scores import score_model, score_silo_models
from fedasr.engine.summary import described, logged, promise
from fedasr.runs.model_file import save_model
from fedasr.runs.row_summary import FAILED, FINISHED, RowSummary
from fedasr.server.rounds import drive


def run_row(parts: Assembly) -> RowSummary:
    """Run a row, write its files and return its line of the summary, failed or finished."""
    begun, summary = time.monotonic(), described(parts)
    with PeakMemory() as memory:
        try:
            ended = {"status": FINISHED, **_scored(parts)}
        except RowError as failure:
            parts.releases.save()
            ended = {"status": FAILED, "failure": str(failure)}
        ended |= logged(parts.folder.rounds(), parts.folder.messages()) | promise(parts.releases)
    seconds = time.monotonic() - begun
    summary = replace(summary, **ended, wall_seconds=seconds, peak_memory_bytes=memory.bytes)
    parts.folder.finish(summary)
    return summary


def _scored(parts: Assembly) -> dict[str, Any]:
    """Train, and return what the model, or each silo's own, does on the test speakers."""
    if parts.folder.load_checkpoint() is None:
        parts.folder.rewind(-1)  # a run that was killed logged this row and saved nothing to go on from
    central = parts.central(parts.grid())
    weights = drive(parts.strategy, central.grid, central)
    if weights is None:
        scores = score_silo_models(parts, central.per_silo)
    else:
        weights = {name: np.asarray(array, np.float32) for name, array in weights.items()}
        save_model(parts.folder.model, weights, central.recogniser_spec, central.tokens)
        scores = score_model(parts, weights)
    central.releases.save()
    return scores
