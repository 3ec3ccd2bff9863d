"""The Python API: run an experiment, evaluate a model, transcribe audio."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedasr.common.allocator import few_arenas, give_back_memory, keep_freed_memory, libraries_aside
from fedasr.common.console import details, quiet_flower
from fedasr.common.environment import describe
from fedasr.common.errors import UserError
from fedasr.corpora.columns import Columns
from fedasr.corpora.faults import Fault, refusal
from fedasr.corpora.load import read_scored
from fedasr.corpora.spec import NODES
from fedasr.engine.admission import check_place, divided, open_workers, resumed
from fedasr.engine.all_rows import run_rows
from fedasr.engine.audible import keep_audible
from fedasr.engine.draws import run_draws
from fedasr.engine.extending import extend
from fedasr.engine.hearing import heard_in, prepared_speech, scored
from fedasr.engine.named import refusals, unsuited, untrainable
from fedasr.engine.node_speech import introduction_of
from fedasr.engine.notices import notices
from fedasr.engine.preparation import Prepared, extract_features
from fedasr.engine.reopen import as_begun, check_checkpoints, check_is_rows_own, check_partition, check_speech, reopen
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.model import MADE_STARTS
from fedasr.experiment.paths import absolute
from fedasr.grid.workers import Workers
from fedasr.runs.decoder_file import chosen_decoder
from fedasr.runs.folder import CORPUS_DIGEST, Run
from fedasr.runs.lock import at_work
from fedasr.runs.log_file import written_down
from fedasr.runs.model_file import check_comes_first, load_model, load_text_rule
from fedasr.runs.partition_record import partition_data
from fedasr.runs.speech_record import speech_data

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger("fedasr")


@dataclass(frozen=True)
class Result:
    """What a run gave.

    Attributes
    ----------
    folder : Path
        The run folder.
    rows : list of dict
        The rows of ``summary.json``.
    """

    folder: Path
    rows: list[dict[str, Any]]

    @property
    def failed(self) -> bool:
        """Whether a row failed."""
        return any(row["status"] == "failed" for row in self.rows)

    def figures(self) -> dict[str, Figure]:
        """Return the figures of the report as matplotlib objects."""
        from fedasr.report import figures

        return figures(self.folder)

    def _repr_html_(self) -> str:
        from fedasr.report import html_table

        return html_table(self.folder)


def run(
    experiment: Experiment | Path | str, *, out: Path | str | None = None, resume: Path | str | None = None,
    grid: str | Workers = "ray", workers: int = 2, address: str | None = None, watcher: Watcher | None = None,
    release: bool = False,
) -> Result:  # fmt: skip
    """Run every row of an experiment and write the run folder.

    Parameters
    ----------
    experiment : Experiment, path or str
        Or a TOML file, or a shipped experiment's name.
    out : path, optional
        The run folder; by default the first free ``runs/<name>-<n>``.
    resume : path, optional
        Go on with this run folder, which must belong to the same experiment.
    grid : str or Workers
        ``"ray"``, or ``"process"``: the same bits in this process alone; or workers of the caller's own,
        which stay open.
    workers : int
        Ray actors, one compute thread each.
    address : str, optional
        A running Ray cluster.
    watcher : Watcher, optional
        Told how it goes.
    release : bool
        Leave out of the page what no real party would see.

    Returns
    -------
    Result

    Raises
    ------
    UserError
        Where the request was wrong; nothing is left behind then.
    """
    few_arenas()
    keep_freed_memory()  # the centre trains here
    if not isinstance(experiment, Experiment):
        experiment = Experiment.load(experiment)
    watcher, experiment = watcher or Watcher(), absolute(experiment)
    if not experiment.compare:
        raise UserError(f"{experiment.name}: there is nothing to compare; add a [[compare]] table or --strategy")
    existing = resumed(Path(resume), experiment) if resume else None
    address = check_place(None if existing else out, grid, workers, address)
    wrong = [*refusals(experiment.compare), *untrainable(experiment)]
    if wrong := wrong or unsuited(experiment):
        raise UserError(*(f"{experiment.name}: {line}" for line in wrong))
    if existing:
        check_checkpoints(existing)
    if experiment.model.start not in MADE_STARTS:
        load_model(Path(experiment.model.start))
    if experiment.draws:
        return _run_draws(experiment, existing, Path(out) if out else None, grid, workers, address, watcher, release)
    with at_work(existing.path) if existing else nullcontext():
        corpus = divided(experiment, watcher, existing)
        pool = grid if isinstance(grid, Workers) else open_workers(grid, workers, address)
        try:
            prepared = extract_features(corpus, workers, watcher)  # while the processes of the pool start
            del corpus  # an object an utterance: nobody needs them any more
            give_back_memory()
            return _run_prepared(prepared, existing, Path(out) if out else None, pool, watcher, release)
        finally:
            if pool is not grid:
                pool.close()


def _run_prepared(
    prepared: Prepared, existing: Run | None, out: Path | None, pool: Workers, watcher: Watcher, release: bool
) -> Result:
    if existing is not None:
        check_speech(existing, prepared)
        check_partition(existing, prepared)
        prepared = as_begun(existing, prepared)
    if prepared.experiment.corpus.partition == NODES:
        held = pool.introduce(introduction_of(prepared), len(prepared.partition.silos))
        prepared = replace(prepared, holdings=held)
    told = notices(prepared)
    for line in told:
        log.warning(line)
    pool.share(prepared.folder)
    folder = existing or Run.create(prepared.stated or prepared.experiment, out)
    with (
        nullcontext() if existing else at_work(folder.path),
        folder.discarded_if_refused(is_new=existing is None), written_down(folder.path), libraries_aside(),
        quiet_flower(),
    ):  # fmt: skip
        for line in told:
            details.info(line)
        if existing is not None:
            extend(existing, prepared)
        _write_speech(folder, prepared, told)
        return _run_rows(folder, prepared, pool, watcher, release)


def _run_draws(
    experiment: Experiment, existing: Run | None, out: Path | None, grid: str | Workers, workers: int,
    address: str | None, watcher: Watcher, release: bool,
) -> Result:  # fmt: skip
    """Run an experiment of several draws of the speakers with one pool of workers, all of them checked before any."""
    for draw in experiment.draws if existing is None else ():
        divided(experiment.of_draw(draw), Watcher(), None)
    pool = grid if isinstance(grid, Workers) else open_workers(grid, workers, address)

    def run_one(one: Experiment, place: Path, goes_on: bool) -> None:
        watcher.stage(f"draw {one.seed}")
        run(
            one, out=None if goes_on else place, resume=place if goes_on else None, grid=pool, workers=workers,
            watcher=watcher, release=release,
        )  # fmt: skip

    try:
        folder, summaries = run_draws(experiment, existing, out, run_one)
    finally:
        if pool is not grid:
            pool.close()
    from fedasr.report import write_page

    write_page(folder.path, release)
    return Result(folder.path, [asdict(summary) for summary in summaries])


def _write_speech(folder: Run, prepared: Prepared, told: Sequence[str]) -> None:
    partition = partition_data(prepared.partition, prepared.speech)
    folder.write_partition(partition)
    folder.write_speech(speech_data(prepared.summaries, partition, [*prepared.notes, *told]))


def _write_environment(folder: Run, prepared: Prepared, pool: Workers) -> None:
    folder.write_environment({**describe(), **pool.describe(), CORPUS_DIGEST: prepared.digest})


def _run_rows(folder: Run, prepared: Prepared, pool: Workers, watcher: Watcher, release: bool) -> Result:
    from fedasr.report import shown_utterances, write_page

    page = partial(write_page, folder.path, release)
    _write_environment(folder, prepared, pool)
    summaries = run_rows(folder, prepared, pool, watcher, page)
    keep_audible(folder, prepared, shown_utterances(folder.path))
    _write_environment(folder, prepared, pool)  # machines that took the place of others stand in it too
    page()
    return Result(folder.path, [asdict(summary) for summary in summaries])


def evaluate(
    model: Path | str, manifest: Path | str | None = None, *, data: Path | str | None = None,
    decoding: Path | str | None = None, kind: str | None = None, subset: str | None = None,
    columns: Columns | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Score a trained model on the speech of a corpus, or a finished row on its run's own test speakers.

    Parameters
    ----------
    model : path
        A row's folder, or a ``model.safetensors``.
    manifest : path, optional
        A manifest, a table, or a corpus of any other `kind`. Without it the model must lie in a run's folder.
    data : path, optional
        Where the speech of the run lies now, if it was moved.
    decoding : path or "greedy", optional
        Another decoder than the one beside the model: a ``decoder.safetensors``, the folder of a row or run that holds
        one, or ``"greedy"`` for none.
    kind : str, optional
        The form of the corpus, as ``corpus.kind`` names it; by default what the name of the file tells.
    subset : str, optional
        A part of the corpus, by its own name for it.
    columns : Columns, optional
        What a table calls its columns.

    Returns
    -------
    dict
        ``wer, wer_low, wer_high, cer, insertions, deletions, substitutions, utterances, hypotheses``. The ends of
        the interval are None with fewer than two speakers, and where a line names none; so is its speaker then.
        With a decoder ``wer_decoded, wer_decoded_low, wer_decoded_high``, too; the others are greedy.

    Raises
    ------
    UserError
        Where there is no model, or the speech is not there, or not the run's.
    """
    if manifest is not None and data is not None:
        raise UserError("--data is where a run's own speech lies; leave it out, or the manifest")
    form = {"kind": kind, "subset": subset, "columns": columns}
    if manifest is None and (unused := [f"--{name}" for name, value in form.items() if value is not None]):
        raise UserError(f"{unused[0]} takes no effect; it goes with a manifest, or another corpus, to score on")
    path = Path(model)
    if manifest is not None:
        check_comes_first(path, [Path(manifest)])
        recogniser = load_model(path)
        check_is_rows_own(path, recogniser)
        found = read_scored(Path(manifest), kind, subset, columns, load_text_rule(path))
        speech = prepared_speech(found.utterances, recogniser)
        return scored(recogniser, speech, chosen_decoder(path, decoding))
    row = reopen(path.parent if path.is_file() else path, Path(data) if data else None)
    return scored(row.model(), row.prepared.part("test"), chosen_decoder(path, decoding))


def transcribe(model: Path | str, audio: Sequence[Path | str], decoding: Path | str | None = None) -> list[str]:
    """Return what a trained model hears in each audio file, decoded as `evaluate` decodes.

    Raises
    ------
    UserError
        With a line for each of at most twenty files that cannot be read.
    """
    heard = heard_in(model, audio, decoding)
    if faults := [found for found in heard if isinstance(found, Fault)]:
        raise refusal(faults, "files", len(heard), "leave them out, or mend them")
    return [found for found in heard if isinstance(found, str)]
