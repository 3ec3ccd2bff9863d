"""What is checked of a run before anything is computed: that it can be had, and where it goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.common.files import check_writable
from fedasr.engine.decoding_text import misdecoded
from fedasr.engine.draws import check_draws, draws_of
from fedasr.engine.extending import check_extension
from fedasr.engine.fitting import unfit
from fedasr.engine.preparation import DividedCorpus, divide_corpus
from fedasr.engine.stages.start import load_start
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.differences import difference
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.paths import absolute
from fedasr.experiment.round_counts import have_more
from fedasr.grid.in_process import InProcess
from fedasr.grid.workers import Workers
from fedasr.runs.folder import Run, check_free


def divided(experiment: Experiment, watcher: Watcher, existing: Run | None) -> DividedCorpus:
    """Return the divided corpus of an experiment that can be run on it; refuse one that cannot."""
    corpus = divide_corpus(experiment, watcher)
    if wrong := unfit(corpus) or _misdecoded(corpus, existing):
        raise UserError(*(f"{experiment.name}: {line}" for line in wrong))
    load_start(corpus)
    return corpus


def open_workers(grid: str, workers: int, address: str | None = None) -> Workers:
    """Return workers of a kind: ``"ray"`` or ``"process"``."""
    if grid == "process":
        return InProcess()
    from fedasr.grid.ray.pool import RayWorkers

    return RayWorkers(workers, address)


def resumed(path: Path, experiment: Experiment) -> Run:
    """Open a run to go on with; its speech may lie elsewhere now, where the run knows it by its digest."""
    existing = Run.open(path)
    known = absolute(existing.experiment)
    if existing.corpus_digest():
        known = known.only(corpus=replace(known.corpus, path=experiment.corpus.path))
    if have_more(known, experiment):
        existing = replace(
            existing, experiment=existing.experiment.only(training=experiment.training, compare=experiment.compare)
        )
        check_draws(existing)
        for run in draws_of(existing) or [existing]:
            check_extension(run)
    elif differs := difference(known, experiment):
        fewer = "; a run can be given more rounds, not fewer" if have_more(experiment, known) else ""
        raise UserError(
            f"--resume {path}: the folder belongs to another experiment ({differs}){fewer}; leave out what differs"
        )
    return existing


def _misdecoded(corpus: DividedCorpus, existing: Run | None) -> list[str]:
    """Refuse a decoding that cannot be had; a run that has its decoder needs no text any more."""
    return [] if existing is not None and existing.decoder.exists() else misdecoded(corpus)


def check_place(out: Path | str | None, grid: str | Workers, workers: int, address: str | None) -> str | None:
    """Refuse before anything is computed what would be refused after it; return which cluster is to be joined."""
    if out is not None:
        check_free(Path(out))
        check_writable(Path(out), "--out")
    if not isinstance(grid, Workers) and grid not in ("process", "ray"):
        raise UserError(f"--grid: there is no grid '{grid}'; known: process, ray")
    if workers < 1:
        raise UserError(f"--workers must be at least 1, not {workers}")
    if grid != "ray":
        if address is not None:
            raise UserError(f"--address {address} takes no effect; it goes with --grid ray")
        return None
    from fedasr.grid.ray import joining

    address = joining.asked_for(address)
    joining.check_place(address)
    return address
