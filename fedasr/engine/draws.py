"""Several draws of the speakers in one experiment: each is a run of its own, and one page tells of all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from fedasr.common.errors import StoppedError, UserError
from fedasr.experiment.differences import difference
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.round_counts import have_more
from fedasr.runs import file_names
from fedasr.runs.draw_results import facts_of_draw
from fedasr.runs.folder import Run
from fedasr.runs.json_files import json_there
from fedasr.runs.lock import at_work
from fedasr.runs.row_summary import RowSummary

RunOne = Callable[[Experiment, Path, bool], None]
"""Runs the experiment of one draw in a folder; the last argument says whether it goes on with it."""


def run_draws(
    experiment: Experiment, existing: Run | None, out: Path | None, run_one: RunOne
) -> tuple[Run, list[RowSummary]]:  # fmt: skip
    """Run each draw in a folder of its own and write the summary of all.

    Parameters
    ----------
    experiment : Experiment
        With draws.
    existing : Run, optional
        The run of all draws to go on with.
    out : Path, optional
        The new run folder.
    run_one : callable

    Raises
    ------
    UserError
        Where a draw is refused; a new folder is not left behind where no row of it has ended.
    """
    run = existing or Run.create(experiment, out)
    told: list[RowSummary] = []
    with at_work(run.path):
        ended = {each.experiment.seed: rows_of(each.experiment.seed, each) for each in draws_of(run)}
        for draw in experiment.draws:
            place = run.path / file_names.draw(draw)
            try:
                run_one(experiment.of_draw(draw), place, (place / file_names.EXPERIMENT).exists())
            except StoppedError:
                raise
            except UserError:
                if existing is None and not ended:
                    shutil.rmtree(run.path, ignore_errors=True)
                raise
            finally:
                _remember(run, draw)
            ended[draw] = rows_of(draw, Run.open(place))
            if draw == experiment.draws[0]:
                run.write_environment(json_there(place / file_names.ENVIRONMENT, []) or {})
            rows = [row for each in experiment.draws for row in ended.get(each, [])]
            told = run.write_summary(version("fedasr"), rows)
    return run, told


def _remember(run: Run, draw: int) -> None:
    """Have the run be of more rounds once a draw is: what is refused before that changes nothing."""
    if not (run.path / file_names.draw(draw) / file_names.EXPERIMENT).exists():
        return
    if have_more(Run.open(run.path).experiment, run.experiment):
        there = Run.open(run.path / file_names.draw(draw)).experiment
        if not have_more(there, run.experiment.of_draw(draw)):
            run.write_experiment()


def check_draws(run: Run) -> None:
    """Refuse to give a run more rounds of which a draw is another experiment, or has had still more.

    Raises
    ------
    UserError
    """
    for draw, place in _begun(run).items():
        there, wanted = Run.open(place).experiment, run.experiment.of_draw(draw)
        wanted = wanted.only(corpus=replace(wanted.corpus, path=there.corpus.path))
        if not have_more(there, wanted) and (differs := difference(there, wanted)):
            raise UserError(f"{place}: the draw belongs to another experiment ({differs}); leave out what differs")


def draws_of(run: Run) -> list[Run]:
    """Return the draws of a run that were begun, each as the run's experiment would have it now."""
    return [
        replace(Run.open(place), experiment=run.experiment.of_draw(draw)) for draw, place in _begun(run).items()
    ]  # fmt: skip


def _begun(run: Run) -> dict[int, Path]:
    places = {draw: run.path / file_names.draw(draw) for draw in run.experiment.draws}
    return {draw: place for draw, place in places.items() if (place / file_names.EXPERIMENT).exists()}


def rows_of(draw: int, run: Run) -> list[RowSummary]:
    """Return the rows of one draw as the summary of all has them."""
    ended = (run.row(row, seed).summary() for row, seed in run.experiment.rows())
    return [
        replace(summary, folder=f"{run.path.name}/{summary.folder}", draw=draw, **facts_of_draw(run, draw))
        for summary in ended if summary is not None
    ]  # fmt: skip
