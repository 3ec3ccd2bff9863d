"""Where a run keeps what its rows share, and for how long."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from fedasr.runs.file_names import SHARED, STAGES
from fedasr.runs.folder import Run
from fedasr.runs.row_summary import RowSummary
from fedasr.runs.stages.sharing import shared_stages, write_shared
from fedasr.runs.stages.stage_folder import StageFolder

MOST_BYTES = 4 * 2**30
"""What all silos of a run may keep together; what goes beyond is computed again by the row that needs it."""


def open_stages(run: Run, row_folder: str, silos: int) -> StageFolder:
    """Return where the silos of a row find what others computed, and keep what it computes itself."""
    path = (run.path / STAGES).absolute()
    path.mkdir(exist_ok=True)
    return StageFolder(path, row_folder, MOST_BYTES // max(silos, 1))


def close_stages(run: Run, summaries: Sequence[RowSummary]) -> None:
    """Write down which rows shared what and, where all rows have finished, remove it: nobody can need it again."""
    path = run.path / STAGES
    if not path.is_dir():  # the run had finished before
        return
    shared = shared_stages(path, [summary.folder for summary in summaries])
    if shared:
        write_shared(run.path / SHARED, shared)
    if not any(summary.failed for summary in summaries):
        shutil.rmtree(path, ignore_errors=True)
