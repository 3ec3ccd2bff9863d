"""The result of one draw as a small file that can be committed: rows, errors by speaker, and what they were made on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError
from fedasr.common.files import check_writable, disk_error, write_json
from fedasr.common.settings import to_table
from fedasr.common.strict_json import in_numbers, in_words
from fedasr.corpora.spec import SYNTHETIC
from fedasr.experiment.differences import difference
from fedasr.experiment.experiment import Experiment
from fedasr.runs import file_names
from fedasr.runs.data import RowData, SpeakerScore
from fedasr.runs.filling import filled
from fedasr.runs.folder import Run
from fedasr.runs.json_files import json_there, whole_json
from fedasr.runs.reading import named_in_draw, read_run
from fedasr.runs.row_summary import RowSummary

SUMMARY = {field.name for field in fields(RowSummary)}


@dataclass(frozen=True)
class DrawResult:
    """What one draw gave.

    Attributes
    ----------
    draw : int
    experiment : Experiment
        Without what a draw sets and without where the speech lies: equal for all draws of a claim.
    environment : mapping
        Versions and processor.
    command : tuple of str
        Of paths that begin at the root their last part alone.
    rows : tuple of RowData
        With their errors by speaker.
    """

    draw: int
    experiment: Experiment
    environment: Mapping[str, Any]
    command: tuple[str, ...]
    rows: tuple[RowData, ...]


def write_results(run_folder: Path, results: Path, command: Sequence[str]) -> list[Path]:
    """Write ``draw-N.json`` for each draw of a run that has ended; a run without draws is the draw of its seed.

    Raises
    ------
    UserError
        Where a file there is of other settings, or cannot be written.
    """
    experiment = Run.open(run_folder).experiment
    places = {draw: run_folder / file_names.draw(draw) for draw in experiment.draws} or {experiment.seed: run_folder}
    return [_write(Run.open(place), draw, results, command) for draw, place in places.items()]


def check_results(results: Path, experiment: Experiment) -> None:
    """Refuse a folder that cannot take an experiment's results, before anything is trained.

    Raises
    ------
    UserError
        Where it is a file, or holds results of other settings.
    """
    if results.exists() and not results.is_dir():
        raise UserError(f"--results {results}: is a file; name a folder")
    check_writable(results, "--results")
    for path in sorted(results.glob("draw-*.json")):
        if differs := difference(read_result(path).experiment, without_draw(experiment)):
            raise UserError(f"--results {path}: is of other settings ({differs}); name another folder")


def read_results(folder: Path) -> list[DrawResult]:
    """Return the results of all draws in a folder, in the order of the draws.

    Raises
    ------
    UserError
        Where there is none, one is torn, two are of one draw, or their settings differ.
    """
    found = {path: read_result(path) for path in sorted(folder.glob("draw-*.json"))}
    if not found:
        raise UserError(
            f"{folder}: holds no draw-N.json; write them with python -m fedasr.simulate … --results {folder}"
        )
    (first_path, first), *others = found.items()
    for path, result in others:
        if differs := difference(first.experiment, result.experiment):
            raise UserError(f"{path}: is of other settings than {first_path.name} ({differs}); a claim has one")
    draws = [result.draw for result in found.values()]
    if twice := sorted({draw for draw in draws if draws.count(draw) > 1}):
        raise UserError(f"{folder}: draw {twice[0]} is there twice; remove one")
    return sorted(found.values(), key=lambda result: result.draw)


def read_result(path: Path) -> DrawResult:
    """Return one draw's result.

    Raises
    ------
    UserError
        Where the file is none, or its settings are not those of its digest.
    """
    record = whole_json(path, "write it with --results")
    try:
        table = in_numbers(record["experiment"])
        experiment = Experiment.from_table(table, str(path))
        rows = tuple(_row(row, int(record["draw"])) for row in record["rows"])
        facts = dict(record["environment"]), tuple(map(str, record["command"]))
        result, digest = DrawResult(int(record["draw"]), experiment, *facts, rows), record["settings_sha256"]
        is_whole = digest == _digest(table)  # as it was written: settings may have been added since
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: not the result of a draw ({error!r}); write it anew with --results") from error
    if not is_whole:
        raise UserError(f"{path}: its settings are not those of its digest; write it anew with --results")
    return result


def facts_of_draw(run: Run, draw: int) -> dict[str, Any]:
    """Return what tells the speakers of a draw from another draw's: fields of `RowSummary`."""
    partition, corpus = run.partition(), run.experiment.corpus
    renders = corpus.kind == SYNTHETIC and not corpus.test
    trained = partition.training_speakers if partition else None
    return {"population": f"draw {draw}" if renders else None, "training_speakers": trained}


def without_draw(experiment: Experiment) -> Experiment:
    """Return an experiment without what its draw sets and without where its speech lies."""
    corpus = replace(experiment.corpus, path="", test_fold=0)
    return experiment.only(seed=1, seeds=(), draws=(), corpus=corpus)


def settings_digest(experiment: Experiment) -> str:
    """Return the SHA-256 of the settings that all draws of a claim share."""
    return _digest(to_table(experiment))


def _digest(table: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()


def _write(run: Run, draw: int, results: Path, command: Sequence[str]) -> Path:
    path, settings = results / f"{file_names.draw(draw)}.json", without_draw(run.experiment)
    if path.exists() and (differs := difference(read_result(path).experiment, settings)):
        raise UserError(f"{path}: is of other settings ({differs}); name another folder")
    rows = [
        {**_summary(row), "draw": draw, **facts_of_draw(run, draw), "errors": _errors(row)}
        for row in read_run(run.path).rows
    ]
    record = {
        "name": run.experiment.name, "draw": draw, "settings_sha256": settings_digest(settings),
        "command": list(map(_without_folders, command)),
        "environment": json_there(run.path / file_names.ENVIRONMENT, []) or {},
        "experiment": in_words(to_table(settings)), "rows": rows,
    }  # fmt: skip
    try:
        os.makedirs(results, exist_ok=True)
        write_json(path, record)
    except OSError as error:
        raise disk_error(path, error) from error
    return path


def _without_folders(argument: str) -> str:
    """Return an argument without the folders of this machine: the file is to be shown to others."""
    key, is_set, value = argument.rpartition("=")
    return f"{key}{is_set}{Path(value).name}" if Path(value).is_absolute() else argument


def _summary(row: RowData) -> dict[str, Any]:
    return {name: getattr(row, name) for name in sorted(SUMMARY)}


def _errors(row: RowData) -> list[list[Any]]:
    return [[score.of, score.decoding, score.speaker, score.errors, score.words] for score in row.speaker_scores]


def _row(record: Mapping[str, Any], draw: int) -> RowData:
    """Return a row as a run folder's reader does, as far as the result tells it."""
    scores = (
        SpeakerScore(str(name), int(errors), int(words), decoding=str(decoding), of=str(of))
        for of, decoding, name, errors, words in record["errors"]
    )
    named = tuple(named_in_draw(score, record.get("population")) for score in scores)
    nothing = {field.name: field.default for field in fields(RowData) if field.name not in SUMMARY}
    return filled(RowData, record, **{**nothing, "speaker_scores": named, "draw": draw})
