"""Experiments on disk: shipped ones by name, others by path."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from fedasr.common.errors import UserError, nearest


def shipped_experiments() -> dict[str, Path]:
    """Return the experiments that come with fedasr, by name."""
    folder = Path(str(resources.files("fedasr.simulations")))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def find_experiment(name_or_path: str) -> Path:
    """Return the file of an experiment, given its path or the name of a shipped one."""
    path = Path(name_or_path)
    if path.suffix == ".toml":
        if not path.is_file():
            raise UserError(f"{path}: there is no such file")
        return path
    shipped = shipped_experiments()
    if name_or_path not in shipped:
        raise UserError(f"there is no experiment '{name_or_path}'{nearest(name_or_path, shipped)}")
    return shipped[name_or_path]
