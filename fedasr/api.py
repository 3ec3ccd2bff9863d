"""The Python API: run an experiment, evaluate a model, transcribe audio."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.decoding.decoder import Decoder
from fedasr.asr.decoding.greedy import transcribe_batch
from fedasr.asr.features import FeatureSpec, LogMel
from fedasr.asr.recogniser import Recogniser
from fedasr.common.allocator import few_arenas, give_back_memory, keep_freed_memory, libraries_aside
from fedasr.common.console import details, quiet_flower
from fedasr.common.environment import describe
from fedasr.common.errors import UserError
from fedasr.common.files import check_writable
from fedasr.common.threads import one_thread
from fedasr.corpora.audio import AudioFile
from fedasr.corpora.columns import Columns
from fedasr.corpora.faults import Fault, refusal
from fedasr.corpora.features.store import cache_folder, prepare
from fedasr.corpora.load import read_scored
from fedasr.corpora.spec import NODES
from fedasr.corpora.speech import Speech
from fedasr.corpora.utterance import Utterance
from fedasr.engine.all_rows import run_rows
from fedasr.engine.audible import keep_audible
from fedasr.engine.decoding_text import misdecoded
from fedasr.engine.draws import run_draws
from fedasr.engine.evaluation import scores_of
from fedasr.engine.extending import check_extension, extend
from fedasr.engine.fitting import unfit
from fedasr.engine.named import refusals, unsuited, untrainable
from fedasr.engine.node_speech import introduction_of
from fedasr.engine.notices import notices, unspaced_references, unwritten_references
from fedasr.engine.preparation import DividedCorpus, Prepared, divide_corpus, extract_features
from fedasr.engine.reopen import as_begun, check_checkpoints, check_is_rows_own, check_partition, check_speech, reopen
from fedasr.engine.stages.start import load_start
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.differences import difference
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.model import MADE_STARTS
from fedasr.experiment.paths import absolute
from fedasr.experiment.round_counts import have_more
from fedasr.grid.in_process import InProcess
from fedasr.grid.workers import Workers
from fedasr.runs.decoder_file import chosen_decoder
from fedasr.runs.folder import CORPUS_DIGEST, Run, check_free
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
    existing = _resumed(Path(resume), experiment) if resume else None
    address = _check_place(None if existing else out, grid, workers, address)
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
        corpus = _divided(experiment, watcher, existing)
        pool = grid if isinstance(grid, Workers) else open_workers(grid, workers, address)
        try:
            prepared = extract_features(corpus, workers, watcher)  # while the processes of the pool start
            del corpus  # an object an utterance: nobody needs them any more
            give_back_memory()
            return _run_prepared(prepared, existing, Path(out) if out else None, pool, watcher, release)
        finally:
            if pool is not grid:
                pool.close()


def _divided(experiment: Experiment, watcher: Watcher, existing: Run | None) -> DividedCorpus:
    """Return the divided corpus of an experiment that can be run on it; refuse one that cannot."""
    corpus = divide_corpus(experiment, watcher)
    if wrong := unfit(corpus) or _misdecoded(corpus, existing):
        raise UserError(*(f"{experiment.name}: {line}" for line in wrong))
    load_start(corpus)
    return corpus


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
        _divided(experiment.of_draw(draw), Watcher(), None)
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


def open_workers(grid: str, workers: int, address: str | None = None) -> Workers:
    """Return workers of a kind: ``"ray"`` or ``"process"``."""
    if grid == "process":
        return InProcess()
    from fedasr.grid.ray.pool import RayWorkers

    return RayWorkers(workers, address)


def _resumed(path: Path, experiment: Experiment) -> Run:
    """Open a run to go on with; its speech may lie elsewhere now, where the run knows it by its digest."""
    existing = Run.open(path)
    known = absolute(existing.experiment)
    if existing.corpus_digest():
        known = known.only(corpus=replace(known.corpus, path=experiment.corpus.path))
    if not experiment.draws and have_more(known, experiment):
        existing = replace(
            existing, experiment=existing.experiment.only(training=experiment.training, compare=experiment.compare)
        )
        check_extension(existing)
    elif differs := difference(known, experiment):
        raise UserError(
            f"--resume {path}: the folder belongs to another experiment ({differs}); leave out what differs"
        )
    return existing


def _misdecoded(corpus: DividedCorpus, existing: Run | None) -> list[str]:
    """Refuse a decoding that cannot be had; a run that has its decoder needs no text any more."""
    return [] if existing is not None and existing.decoder.exists() else misdecoded(corpus)


def _check_place(out: Path | str | None, grid: str | Workers, workers: int, address: str | None) -> str | None:
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
    from fedasr.grid.ray.joining import asked_for, check_place

    address = asked_for(address)
    check_place(address)
    return address


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
        speech = _prepared_speech(found.utterances, recogniser)
        return _scored(recogniser, speech, chosen_decoder(path, decoding))
    row = reopen(path.parent if path.is_file() else path, Path(data) if data else None)
    return _scored(row.model(), row.prepared.part("test"), chosen_decoder(path, decoding))


def _scored(recogniser: Recogniser, speech: Speech, decoder: Decoder | None) -> dict[str, Any]:
    """Score, and warn of references that the model could not write, or whose words nothing divides."""
    for line in (unwritten_references(speech.texts(), recogniser.tokens), unspaced_references(speech.texts())):
        if line:
            log.warning(line)
    return scores_of(recogniser, speech, decoder)


def _prepared_speech(utterances: Sequence[Utterance], recogniser: Recogniser) -> Speech:
    features = recogniser.spec.features
    return prepare(utterances, LogMel(features), features.digest, cache_folder(), features.sample_rate_hz)


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


def heard_in(
    model: Path | str, audio: Sequence[Path | str], decoding: Path | str | None = None
) -> list[str | Fault]:  # fmt: skip
    """Return what a trained model hears in each audio file, or why a file cannot be read; see `transcribe`."""
    check_comes_first(Path(model), [Path(path) for path in audio])
    recogniser, decoder = load_model(Path(model)), chosen_decoder(Path(model), decoding)
    with one_thread():
        found = [_features(Path(path), recogniser.spec.features) for path in audio]
        return [
            each if isinstance(each, Fault) else transcribe_batch(recogniser, [each].__getitem__, [0], decoder)[0]
            for each in found
        ]


def _features(file: Path, spec: FeatureSpec) -> NDArray[np.float16] | Fault:
    try:
        return LogMel(spec)(AudioFile(file).read(spec.sample_rate_hz))
    except UserError as error:
        return Fault(str(file), str(error).removeprefix(f"{file}: "), "unusable audio")
