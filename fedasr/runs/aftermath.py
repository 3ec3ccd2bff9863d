"""What a release left behind in the grid and in the silos: a row that reads the release again goes on from there."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.common.files import PUT_BACK, Arrays, load_arrays, save_arrays
from fedasr.runs.file_names import AFTER

GRID = "grid.safetensors"


def load_silo(path: Path, silo: int) -> Arrays:
    """Return what a silo kept.

    Raises
    ------
    UserError
        Where the file is damaged, or another silo's.
    """
    arrays, about = load_arrays(path)
    if about.get("silo", silo) != silo:
        raise UserError(f"{path}: corrupt (it is what silo {about['silo']} kept); {PUT_BACK}")
    return arrays


@dataclass(frozen=True)
class Aftermath:
    """Keeps the state of the grid and of its silos after the release that was made last.

    A checkpoint is younger than some releases and older than others. Those that are younger are read and not made
    again, so that no silo is asked; what asking them would have left behind stands here.

    Parameters
    ----------
    path : Path
        The row's folder.
    """

    path: Path

    def keep(self, key: str, grid: Arrays, silos: Iterable[tuple[int, Arrays]]) -> None:
        """Keep the state after a release that is about to be stored; that after the one before stays."""
        folder = self._folder(key)
        shutil.rmtree(folder, ignore_errors=True)
        for silo, kept in silos:
            save_arrays(folder / f"{silo}.safetensors", kept, {"silo": silo})
        save_arrays(folder / GRID, grid, {})

    def settle(self, key: str) -> None:
        """Forget the state after all other releases: this one is stored."""
        for folder in self._folder(key).parent.glob("*"):
            if folder != self._folder(key):
                shutil.rmtree(folder, ignore_errors=True)

    def after(self, key: str) -> tuple[Arrays, list[tuple[int, Arrays]]] | None:
        """Return the state after a release: the grid's, and each silo's that keeps any; None if others came later."""
        folder = self._folder(key)
        if not (folder / GRID).exists():
            return None
        silos = sorted((int(path.stem), path) for path in folder.glob("*.safetensors") if path.name != GRID)
        return load_arrays(folder / GRID)[0], [(silo, load_silo(path, silo)) for silo, path in silos]

    def _folder(self, key: str) -> Path:
        return self.path / AFTER / key
