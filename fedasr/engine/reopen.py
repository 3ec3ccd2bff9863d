"""Opening a finished row again, as an object: for evaluation, replay and audits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from fedasr.asr.recogniser import Recogniser, digest
from fedasr.common.errors import UserError, nearest
from fedasr.common.files import Arrays, load_arrays
from fedasr.engine.assembly import Assembly, in_its_role
from fedasr.engine.decoding_text import carries_epsilon
from fedasr.engine.preparation import Prepared, prepare_experiment
from fedasr.engine.stages.ancestry import ancestry_of
from fedasr.engine.watchers.watcher import Watcher
from fedasr.experiment.paths import absolute
from fedasr.experiment.row_spec import RowSpec
from fedasr.grid.in_process import InProcess
from fedasr.grid.workers import Workers
from fedasr.runs.decoder_file import load_decoder
from fedasr.runs.folder import Run
from fedasr.runs.model_file import check_is_no_run, load_model, load_tokens
from fedasr.runs.partition_record import difference, partition_data
from fedasr.runs.row_end import RowEnd
from fedasr.runs.row_folder import RowFolder
from fedasr.runs.row_summary import RowSummary


@dataclass(frozen=True)
class FinishedRow:
    """A row of a run that has ended. Nothing of its folder is changed.

    Parameters
    ----------
    run : Run
    row : RowSpec
    seed : int
    summary : RowSummary
    data : Path, optional
        Where the run's speech lies now, if it was moved.
    """

    run: Run
    row: RowSpec
    seed: int
    summary: RowSummary
    data: Path | None = None

    @property
    def folder(self) -> RowFolder:
        """Where the row's files lie: its rounds, messages, votes and releases."""
        return self.run.row(self.row, self.seed)

    @cached_property
    def prepared(self) -> Prepared:
        """The run's speech with its partition and tokens, opened when it is asked for.

        Raises
        ------
        UserError
            Where it is not there, or is not the speech that the run used.
        """
        experiment = absolute(self.run.experiment)
        if self.data is not None:
            corpus = replace(experiment.corpus, path=str(self.data.absolute()))
            experiment = experiment.only(corpus=corpus)
        prepared = prepare_experiment(experiment, 1, Watcher())
        check_speech(self.run, prepared)
        return as_begun(self.run, prepared)

    def model(self) -> Recogniser:
        """Return the row's recogniser.

        Raises
        ------
        UserError
            Where the row left none, or the file is not the one that the summary names.
        """
        recogniser = load_model(self.folder.path)
        if digest(recogniser.weights()) != self.summary.model_sha256:
            raise UserError(f"{self.folder.model}: not the model of the summary (model_sha256); run the row again")
        return recogniser

    def releases(self) -> dict[str, Arrays]:
        """Return all that the row published under a guarantee, by key."""
        store = self.folder.releases
        return {key: store.load(key)[0] for key in store.keys()}  # noqa: SIM118 (it is no mapping)

    def parts(self, workers: Workers | None = None) -> Assembly:
        """Return what the row was put together from, with its silos in this process or on other workers."""
        start, watcher = load_arrays(self.run.start_path(self.seed))[0], Watcher()
        prepared, start = in_its_role(self.prepared, self.row, self.seed, start, self.run, watcher)
        return Assembly(
            prepared, self.row, self.seed, start, self.folder, workers or InProcess(), watcher,
            ancestry_of(self.run, self.row, self.seed),
        )  # fmt: skip


def reopen(folder: Path, data: Path | None = None) -> FinishedRow:
    """Open a row by its folder, ``runs/<experiment>-<n>/<row>``.

    Parameters
    ----------
    folder : Path
    data : Path, optional
        Where the run's speech lies now, if it was moved.

    Raises
    ------
    UserError
        Where it is no row of a run, or has not finished.
    """
    check_is_no_run(folder)
    folder = folder.absolute()
    run = Run.open(folder.parent)
    if run.experiment.draws:
        raise UserError(
            f"{run.path}: is a run of several draws; name a row of one, such as draw-{run.experiment.draws[0]}/…"
        )
    rows = {run.experiment.folder_of(row, seed): (row, seed) for row, seed in run.experiment.rows()}
    if folder.name not in rows:
        raise UserError(f"{run.path}: the run has no row '{folder.name}'{nearest(folder.name, rows)}")
    row, seed = rows[folder.name]
    found = run.row(row, seed)
    summary = found.finished()
    if summary is None:
        raise UserError(f"{folder}: the row has not finished; go on with --resume {run.path}")
    found.end.check()
    return FinishedRow(run, row, seed, summary, data)


def check_is_rows_own(path: Path, recogniser: Recogniser) -> None:
    """Refuse the model in the folder of a row that has finished where it is another than the row made.

    Raises
    ------
    UserError
    """
    summary = RowEnd(path).summary() if path.is_dir() else None
    if summary is not None and summary.model_sha256 not in (None, digest(recogniser.weights())):
        raise UserError(f"{path}: its model is not the one that the row made (model_sha256); run the row again")


def as_begun(run: Run, prepared: Prepared) -> Prepared:
    """Return the speech of a run with the decoder and the tokens that it began with.

    Earlier versions learnt no unknown character.
    """
    starts = [run.start_path(seed) for _, seed in run.experiment.rows()]
    begun = next((path for path in starts if path.exists()), None)
    decoder = load_decoder(run.decoder) if run.decoder.exists() else None
    return replace(prepared, tokens=load_tokens(begun), decoder=decoder) if begun else prepared


def check_speech(run: Run, prepared: Prepared) -> None:
    """Refuse speech that is not a run's own; a run that did not write down which it used takes any.

    Raises
    ------
    UserError
        Naming the first part of the partition that differs.
    """
    known = run.corpus_digest()
    if known in (None, prepared.digest):
        return
    was, now = run.partition(), partition_data(prepared.partition, prepared.speech)
    differs = difference(was, now) if was else ""
    raise UserError(
        f"{run.path}: {prepared.experiment.corpus.path or 'the corpus'} is not the speech of this run "
        f"({differs or 'other transcripts, audio or ids'}); say with --data where its own lies"
    )


def check_partition(run: Run, prepared: Prepared) -> None:
    """Refuse to go on with a run whose parts would hold other speech than when it began, by another version say."""
    was, now = run.partition(), partition_data(prepared.partition, prepared.speech)
    if was and (differs := difference(was, now)):
        raise UserError(f"{run.path}: its speech is divided otherwise now ({differs}); start the run anew")


def check_checkpoints(run: Run) -> None:
    """Refuse to go on with a run of which a row has a checkpoint, and not the ledger that belongs to it.

    Raises
    ------
    UserError
    """
    for row, seed in run.experiment.rows():
        folder = run.row(row, seed)
        if folder.finished() is None:
            folder.check_checkpoint(carries_epsilon(run.experiment, row))
