"""Which rows share the results of stages: read off a run's stages, and written down for the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from fedasr.common.files import write_json
from fedasr.runs.data import SharedStage
from fedasr.runs.stages.stage_folder import rows_of


def shared_stages(stages: Path, rows: Sequence[str]) -> list[SharedStage]:
    """Return what several rows used, the rows in the order given.

    Parameters
    ----------
    stages : Path
        The folder that `fedasr.runs.stages.stage_folder.StageFolder` writes.
    rows : sequence of str
        The folders of all rows.
    """
    counts: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for folder in stages.glob("silo-*/*-*"):
        used = set(rows_of(folder))
        counts[folder.name.rpartition("-")[0], tuple(row for row in rows if row in used)] += 1
    several = [SharedStage(name, count, used) for (name, used), count in counts.items() if len(used) > 1]
    return sorted(several, key=lambda stage: (stage.name, [rows.index(row) for row in stage.rows]))


def write_shared(path: Path, shared: Sequence[SharedStage]) -> None:
    """Write down what rows share."""
    write_json(path, {"shared": [asdict(stage) for stage in shared]})
