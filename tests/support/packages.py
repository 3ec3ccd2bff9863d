"""Packages that stand outside the tree, as pip would install them."""

from __future__ import annotations

import shutil
from pathlib import Path

EXTENSIONS = Path(__file__).resolve().parents[2] / "docs/how-to/extensions"


def write_package(site: Path, module: Path, group: str, name: str, attribute: str) -> None:
    """Write a module into a folder on the path, and the entry point by which fedasr finds a thing in it.

    In a name of its own: a folder of tests may be called as the module is.
    """
    package = f"my_{module.stem}"
    shutil.copy(module, site / f"{package}.py")
    information = site / f"{package}-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
    (information / "entry_points.txt").write_text(f"[{group}]\n{name} = {package}:{attribute}\n")
