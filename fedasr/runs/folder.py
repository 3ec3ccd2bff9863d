"""Run: the folder that a simulation writes, and resumes from."""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError
from fedasr.common.files import (
    Arrays,
    append_lines,
    disk_error,
    load_arrays,
    read_lines,
    save_arrays,
    write_bytes,
    write_json,
    write_lines,
)
from fedasr.experiment.experiment import Experiment
from fedasr.experiment.row import RowSpec

METRICS, TRAFFIC, CHECKPOINT = "metrics.jsonl", "traffic.jsonl", "checkpoint/state.safetensors"


@dataclass(frozen=True)
class RowFolder:
    """The folder of one row.

    Parameters
    ----------
    path : Path
    """

    path: Path

    def append(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append JSON lines to one of its files."""
        append_lines(self.path / name, rows)

    def rewind(self, last_round: int) -> None:
        """Forget what was logged after a round: a resumed row logs it again."""
        for name in (METRICS, TRAFFIC):
            if (self.path / name).exists():
                write_lines(self.path / name, [r for r in read_lines(self.path / name) if r["round"] <= last_round])

    def save_checkpoint(
        self, arrays: Arrays, description: Mapping[str, Any], silos: Iterable[tuple[int, Arrays]] = ()
    ) -> None:
        """Replace the checkpoint; its main file is written last, so it is whole or the one before.

        What silos keep between messages lies beside it, one file a silo, in a folder of the round.
        """
        folder = self._silos(description["round"])
        shutil.rmtree(folder, ignore_errors=True)
        numbers = []
        for silo, kept in silos:
            save_arrays(folder / f"{silo}.safetensors", kept, {"silo": silo})
            numbers.append(silo)
        save_arrays(self.path / CHECKPOINT, arrays, {**description, "silos": numbers})
        for other in (self.path / CHECKPOINT).parent.glob("silos-*"):
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)

    def silo_states(self, description: Mapping[str, Any]) -> Iterator[tuple[int, Arrays]]:
        """Yield what the silos of a checkpoint kept."""
        for silo in description.get("silos", []):
            yield silo, load_arrays(self._silos(description["round"]) / f"{silo}.safetensors")[0]

    def _silos(self, round: int) -> Path:
        return (self.path / CHECKPOINT).with_name(f"silos-{round}")

    def load_checkpoint(self) -> tuple[Arrays, dict[str, Any]] | None:
        """Return the last checkpoint, None where there is none."""
        path = self.path / CHECKPOINT
        return load_arrays(path) if path.exists() else None

    def finished(self) -> dict[str, Any] | None:
        """Return the row's summary, None where it has not finished."""
        rows = read_lines(self.path / "row.jsonl")
        return rows[0] if rows and rows[0]["status"] == "finished" else None

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Record the row's summary: the mark of a row that need not run again."""
        write_lines(self.path / "row.jsonl", [summary])


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
        with run.discarded_if_refused(is_new=True):
            write_bytes(path / "experiment.toml", experiment.to_toml().encode())
        return run

    @contextmanager
    def discarded_if_refused(self, is_new: bool) -> Iterator[None]:
        """Remove a new folder where the block is refused (a disk that is full) before any row has ended."""
        try:
            yield
        except UserError:
            rows = (self.row(row, seed).finished() for row, seed in self.experiment.rows())
            if is_new and not any(rows):
                shutil.rmtree(self.path, ignore_errors=True)
            raise

    @classmethod
    def open(cls, path: Path) -> Run:
        """Open an existing run folder.

        Raises
        ------
        UserError
            Where it is none.
        """
        file = path / "experiment.toml"
        if not file.is_file():
            raise UserError(f"{path}: not a run folder (it has no experiment.toml)")
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise UserError(f"{file}: not a TOML file: {error}") from error
        return cls(path, Experiment.from_table(table, str(file)))

    def row(self, row: RowSpec, seed: int) -> RowFolder:
        """Return the folder of a row."""
        return RowFolder(self.path / self.experiment.folder_of(row, seed))

    def start_path(self, seed: int) -> Path:
        """Return where the start shared by all rows of a seed lies."""
        return self.path / "start" / f"seed-{seed}.safetensors"

    def write_summary(self, version: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write ``summary.json``."""
        head = {"experiment": self.experiment.name, "seed": self.experiment.seed, "version": version}
        write_json(self.path / "summary.json", {**head, "rows": list(rows)})


def check_free(path: Path) -> None:
    """Refuse a path at which something lies.

    Raises
    ------
    UserError
        Where it is a file or a folder that is not empty.
    """
    if path.is_dir() and any(path.iterdir()):
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
