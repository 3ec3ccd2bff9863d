"""All rows of a run, one after the other: however it ends, what has finished has its summary and its page."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from importlib.metadata import version

from fedasr.asr.recogniser import Weights, digest
from fedasr.common.console import details
from fedasr.common.errors import DiskError
from fedasr.common.files import load_arrays
from fedasr.engine.assembly import Assembly, in_its_role
from fedasr.engine.preparation import Prepared
from fedasr.engine.row import run_row
from fedasr.engine.stages.ancestry import ancestry_of
from fedasr.engine.stages.keeping import close_stages, open_stages
from fedasr.engine.stages.learnt_decoder import with_decoder
from fedasr.engine.stages.left_behind import rank_silos
from fedasr.engine.stages.start import make_start
from fedasr.engine.summary import described
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.row_spec import RowSpec
from fedasr.grid.workers import Workers
from fedasr.runs.folder import Run
from fedasr.runs.made_of import check_made_of, facts_of
from fedasr.runs.row_summary import RowSummary

log = logging.getLogger("fedasr")


def run_rows(
    run: Run, prepared: Prepared, pool: Workers, watcher: Watcher, write_page: Callable[[], object]
) -> list[RowSummary]:  # fmt: skip
    """Run every row that has not finished and return the lines of the summary.

    Parameters
    ----------
    run : Run
    prepared : Prepared
    pool : Workers
    watcher : Watcher
    write_page : callable
        Renders the page of what the run folder holds.

    Raises
    ------
    DiskError
        Where a disk fails: the row that it met is noted as failed, if even that can be written.
    """
    rows = prepared.experiment.rows()
    try:
        for number, (row, seed) in enumerate(rows, start=1):
            summary = _finished(run, prepared, row, seed)
            if summary is None:
                prepared, parts = _assembled(run, prepared, row, seed, pool, watcher, (number, len(rows)))
                summary = _run(parts)
            watcher.end(asdict(summary))
            details.info("%s: %s%s", summary.folder, summary.status, f" ({summary.failure})" if summary.failure else "")
            run.write_summary(version("fedasr"), run.ended())
        close_stages(run, run.ended())
        return run.write_summary(version("fedasr"), run.ended())
    except BaseException:
        if any(not row.failed for row in run.ended()):
            with suppress(Exception):  # what stopped the run is told, and not what that prevents
                write_page()
        raise


def _finished(run: Run, prepared: Prepared, row: RowSpec, seed: int) -> RowSummary | None:
    """Return the line of a row that has finished, and say which of its files are no more what they were."""
    folder = run.row(row, seed)
    summary = folder.finished()
    if summary is not None and run.start_path(seed).exists():
        check_made_of(folder, _facts(prepared, row, seed, load_arrays(run.start_path(seed))[0]))
    for name in folder.end.damaged() if summary else ():
        log.warning("%s: corrupt, and left out of the page; remove %s to run the row again", name, folder.path)
    return summary


def _facts(prepared: Prepared, row: RowSpec, seed: int, start: Weights) -> dict[str, str]:
    return facts_of(prepared.stated or prepared.experiment, row, seed, prepared.digest, digest(start))


def _assembled(
    run: Run, prepared: Prepared, row: RowSpec, seed: int, pool: Workers, watcher: Watcher, place: tuple[int, int]
) -> tuple[Prepared, Assembly]:  # fmt: skip
    """Return what a row is put together from, and the speech with the decoder, which the first row makes."""
    start = make_start(prepared, seed, run.start_path(seed), watcher)
    folder, facts = run.row(row, seed), _facts(prepared, row, seed, start)
    check_made_of(folder, facts)
    prepared = with_decoder(prepared, run, start, pool, watcher)
    behind = rank_silos(prepared, seed, start, run.left_behind_path(seed), pool).silos
    watcher.begin(row.name, *place)
    details.info("%s: begins, row %d of %d", run.experiment.folder_of(row, seed), *place)
    own, start = in_its_role(prepared, row, seed, start, run, watcher)
    folder.write_made_of(facts)
    return prepared, Assembly(
        own, row, seed, start, folder, pool, watcher, ancestry_of(run, row, seed),
        open_stages(run, folder.path.name, len(prepared.partition.silos)), behind,
    )  # fmt: skip


def _run(parts: Assembly) -> RowSummary:
    try:
        return run_row(parts)
    except DiskError as error:
        with suppress(DiskError):  # a line is small: it may find room
            parts.folder.finish(replace(described(parts), failure=str(error)))
        raise
