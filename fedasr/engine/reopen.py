"""Opening a run again, on the speech that it used."""

from __future__ import annotations

from fedasr.common.errors import UserError
from fedasr.engine.preparation import Prepared
from fedasr.runs.folder import Run
from fedasr.runs.partition_record import difference, partition_data


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
    was, now = run.partition(), partition_data(prepared.partition, prepared.speech.utterances)
    differs = difference(was, now) if was else ""
    raise UserError(
        f"{run.path}: {prepared.experiment.corpus.path or 'the corpus'} is not the speech of this run "
        f"({differs or 'other transcripts, audio or ids'}); say with --data where its own lies"
    )
