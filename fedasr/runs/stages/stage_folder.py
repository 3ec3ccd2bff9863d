"""Where the results of stages are kept, silo by silo, as long as another row may need them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError
from fedasr.common.files import Arrays, load_arrays, read_lines, save_arrays, write_lines
from fedasr.runs.stages.stage import Stage, described

RESULT, ROWS = "result.safetensors", "rows.jsonl"
"""What a stage's folder holds: its result, and the rows that used it."""


@dataclass(frozen=True)
class StageFolder:
    """The results of the silos' stages: ``silo-7/teacher-…/``, in each silo's folder what that silo alone may read.

    A store whose loss changes nothing but time: where the folder does not lie on a machine, what is kept there is
    damaged, the disk is full, or a silo keeps too much, the result is computed again.

    Parameters
    ----------
    path : Path
        Absolute; it is not made here: on a machine that does not have it nothing is kept.
    row : str
        The folder of the row that asks.
    most_bytes : int
        What each silo may keep.
    """

    path: Path
    row: str
    most_bytes: int

    def find(self, silo: int, stage: Stage) -> tuple[Arrays, Mapping[str, Any]] | None:
        """Return the result of a silo's stage and what was kept beside it; None where it is not there."""
        folder = self._folder(silo, stage)
        if not (folder / RESULT).exists():
            return None
        try:
            arrays, kept = load_arrays(folder / RESULT)
        except UserError:  # damaged: it is computed again
            return None
        self._note(folder)
        return arrays, kept["about"]

    def keep(self, silo: int, stage: Stage, arrays: Arrays, about: Mapping[str, Any]) -> None:
        """Keep the result of a silo's stage, with what determined it and what else is to be known of it."""
        size = sum(array.nbytes for array in arrays.values())
        if not self.path.is_dir() or self._held(silo) + size > self.most_bytes:
            return
        folder = self._folder(silo, stage)
        with suppress(UserError):
            save_arrays(folder / RESULT, arrays, {"about": dict(about), "facts": described(stage.facts)})
            self._note(folder)

    def note(self, silo: int, stage: Stage) -> None:
        """Write down that the row used what a silo keeps of a stage in files of its own."""
        self._note(self._folder(silo, stage))

    def _folder(self, silo: int, stage: Stage) -> Path:
        return self.path / f"silo-{silo}" / stage.key

    def _held(self, silo: int) -> int:
        return sum(path.stat().st_size for path in (self.path / f"silo-{silo}").rglob(RESULT))

    def _note(self, folder: Path) -> None:
        """Write down that the row used it."""
        rows = rows_of(folder)
        if self.row not in rows:
            with suppress(UserError):  # written whole: nothing is appended to a line that a crash tore
                write_lines(folder / ROWS, [{"row": row} for row in (*rows, self.row)])


def rows_of(folder: Path) -> list[str]:
    """Return the rows that used the result in a stage's folder, as far as they can be read."""
    try:
        return [str(line["row"]) for line in read_lines(folder / ROWS)]
    except (KeyError, TypeError, ValueError, UserError):
        return []
