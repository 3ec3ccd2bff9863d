"""Run: the folder that a simulation writes, and resumes from."""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from fedasr.common.errors import DiskError, StoppedError, UserError
from fedasr.common.files import disk_error, write_bytes, write_json
from fedasr.experiment.differences import difference
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row_spec import RowSpec
from fedasr.runs import file_names
from fedasr.runs.data import PartitionData
from fedasr.runs.decoding_data import DecodingData
from fedasr.runs.json_files import known_json, whole_json
from fedasr.runs.lock import locked
from fedasr.runs.made_of import experiment_of, is_sealed, one_row, with_seal
from fedasr.runs.publication.composing import publication_of
from fedasr.runs.reading import read_partition
from fedasr.runs.row_folder import RowFolder
from fedasr.runs.row_summary import RowSummary
from fedasr.runs.speech_data import SpeechData

CORPUS_DIGEST = "corpus_digest"
"""The key of the environment under which the digest of the prepared speech stands."""


@dataclass(frozen=True)
class Run:
    """A run folder.

    Parameters
    ----------
    path : Path
    experiment : Experiment
    """

    path: Path
    experiment: Experiment

    @classmethod
    def create(cls, experiment: Experiment, path: Path | None, parent: Path = Path("runs")) -> Run:
        """Make a new run folder: `path`, or the first free ``<experiment>-<n>`` below `parent`.

        Raises
        ------
        UserError
            Where the folder exists and is not empty, or cannot be made.
        """
        try:
            if path is None:
                path = _first_free(parent, experiment.name)
            else:
                check_free(path)
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(path or parent, error) from error
        run = cls(path, experiment)
        try:
            with locked(path):
                check_free(path)  # another process may have been faster
                with run.discarded_if_refused(is_new=True):
                    run.write_experiment()
        except UserError:
            with suppress(OSError):
                path.rmdir()  # which removes nothing that another wrote
            raise
        return run

    @contextmanager
    def discarded_if_refused(self, is_new: bool) -> Iterator[None]:
        """Remove a new folder where the block is refused before anything was made: no model, no checkpoint, no row.

        Raises
        ------
        StoppedError
            Where a disk fails and the folder holds what a run can go on from.
        """
        try:
            yield
        except UserError as error:
            if is_new and not self._holds_work():
                shutil.rmtree(self.path, ignore_errors=True)
                raise
            if isinstance(error, DiskError):
                raise StoppedError(*error.lines) from error
            raise

    def _holds_work(self) -> bool:
        """Return whether anything was trained or has ended here."""
        return any(True for _ in self.path.rglob("*.safetensors")) or bool(self.ended())

    def ended(self) -> list[RowSummary]:
        """Return the lines of all rows that have ended, in their order."""
        lines = (self.row(row, seed).summary() for row, seed in self.experiment.rows())
        return [line for line in lines if line is not None]

    @classmethod
    def open(cls, path: Path) -> Run:
        """Open an existing run folder.

        Raises
        ------
        UserError
            Where it is none.
        """
        file = path / file_names.EXPERIMENT
        if not file.is_file():
            raise UserError(f"{path}: not a run folder (it has no {file_names.EXPERIMENT})")
        try:
            text = file.read_text(encoding="utf-8")
            table = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UserError(f"{file}: corrupt, not a TOML file: {error}") from error
        run = cls(path, Experiment.from_table(table, str(file)))
        if not is_sealed(text):
            raise UserError(f"{file}: edited or damaged since the run began{run._edited()}; put it back as it was")
        return run

    def _edited(self) -> str:
        """Return in what the experiment differs from that which the first row was begun with."""
        for row, seed in self.experiment.rows():
            if made_of := self.row(row, seed).made_of():
                return f" ({difference(experiment_of(made_of), one_row(self.experiment, row, seed))})"
        return ""

    def row(self, row: RowSpec, seed: int) -> RowFolder:
        """Return the folder of a row."""
        return RowFolder(self.path / self.experiment.folder_of(row, seed))

    def start_path(self, seed: int, role: str = "") -> Path:
        """Return where the start shared by all rows of a seed lies, or that of a role of another shape."""
        of_role = f".{role}" if role else ""
        return self.path / file_names.STARTS / f"seed-{seed}{of_role}.safetensors"

    def write_experiment(self) -> None:
        """Write the experiment down, sealed."""
        write_bytes(self.path / file_names.EXPERIMENT, with_seal(self.experiment.to_toml()).encode())

    def left_behind_path(self, seed: int) -> Path:
        """Return where it is written which silos the start of a seed serves worst."""
        return self.path / file_names.STARTS / f"seed-{seed}.left-behind.json"

    @property
    def decoder(self) -> Path:
        """Return where the decoder of all rows lies, once it is made."""
        return self.path / file_names.DECODER

    def write_decoding(self, decoding: DecodingData) -> None:
        """Write how all rows are decoded."""
        write_json(self.path / file_names.DECODING, asdict(decoding))

    def write_environment(self, facts: Mapping[str, Any]) -> None:
        """Write what the run ran on."""
        write_json(self.path / file_names.ENVIRONMENT, facts)

    def corpus_digest(self) -> str | None:
        """Return the digest of the prepared speech that the run used; None where it was not written down."""
        facts = known_json(self.path / file_names.ENVIRONMENT, "put it back, or start the run anew")
        return facts.get(CORPUS_DIGEST) if isinstance(facts, dict) else None

    def partition(self) -> PartitionData | None:
        """Return who holds which speech, None where it was not written down."""
        remarks: list[str] = []
        found = read_partition(self.path, remarks)
        if remarks:
            raise UserError(f"{self.path / file_names.PARTITION}: corrupt; put it back, or start the run anew")
        return found

    def write_partition(self, partition: PartitionData) -> None:
        """Write who holds which speech."""
        write_json(self.path / file_names.PARTITION, asdict(partition))

    def write_speech(self, speech: SpeechData) -> None:
        """Write how much speech there is, what was left out of it and why."""
        write_json(self.path / file_names.CORPUS, asdict(speech))

    def write_audible(self, sounds: Mapping[str, str]) -> None:
        """Write utterances of test speech, WAV in base64, by their ids."""
        write_json(self.path / file_names.AUDIBLE, {"wav": dict(sounds)})

    def amend(self, row: RowSpec, seed: int, **found: Any) -> RowSummary:
        """Put what was found out later, such as an audit's ``epsilon_empirical``, into a finished row.

        Its own line is replaced first: of it a resumed run writes the summary anew, should a crash come between.

        Parameters
        ----------
        row : RowSpec
        seed : int
        **found
            Fields of `RowSummary`.

        Raises
        ------
        UserError
            Where the row has not finished, or a run works in the folder.
        """
        with locked(self.path):
            folder = self.row(row, seed)
            summary = folder.finished()
            if summary is None:
                raise UserError(f"{folder.path}: the row has not finished; go on with --resume {self.path}")
            amended = replace(summary, **found)
            folder.end.amend(amended)
            table = whole_json(self.path / file_names.SUMMARY, f"write it anew with --resume {self.path}")
            lines = [{**line, **found} if line.get("folder") == amended.folder else line for line in table["rows"]]
            write_json(self.path / file_names.SUMMARY, {**table, "rows": lines})
            return amended

    def write_summary(self, version: str, rows: Sequence[RowSummary]) -> list[RowSummary]:
        """Write what the run says of all rows that have ended; return them with what they promise together."""
        publication = publication_of(self.path, rows)
        told = [publication.amended(row) for row in rows]
        experiment = self.experiment
        head = {"experiment": experiment.name, "seed": experiment.seed, "scored": experiment.scored, "version": version}
        draws = {"draws": experiment.draws} if experiment.draws else {}
        write_json(
            self.path / file_names.SUMMARY,
            {**head, **draws, **asdict(publication), "files": self._files(), "rows": [asdict(row) for row in told]},
        )
        return told

    def _files(self) -> list[str]:
        """Return which files of the run itself are there, for whoever reads the summary to know what is gone."""
        told = (
            file_names.EXPERIMENT,
            file_names.ENVIRONMENT,
            file_names.PARTITION,
            file_names.CORPUS,
            file_names.DECODING,
        )
        return [name for name in told if (self.path / name).is_file()]


def check_free(path: Path) -> None:
    """Refuse a path at which something lies.

    Raises
    ------
    UserError
        Where it is a file or a folder that is not empty.
    """
    if path.is_dir() and any(inside.name != file_names.LOCK for inside in path.iterdir()):
        raise UserError(f"--out {path}: the folder is not empty; choose another, or --resume {path}")
    nearest = next(place for place in (path, *path.absolute().parents) if place.exists())
    if not nearest.is_dir():
        raise UserError(f"--out {path}: {nearest} is a file; choose another folder")


def _first_free(parent: Path, name: str) -> Path:
    """Make and return the first free folder; two runs started at once get two."""
    safe = re.sub(r"[^\w.-]+", "-", name)
    parent.mkdir(parents=True, exist_ok=True)
    taken = [int(m[1]) for p in parent.iterdir() if (m := re.fullmatch(rf"{re.escape(safe)}-(\d+)", p.name))]
    number = max(taken, default=0) + 1
    while True:
        path = parent / f"{safe}-{number}"
        try:
            os.mkdir(path)
        except FileExistsError:
            number += 1
        else:
            return path
