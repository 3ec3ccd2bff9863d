"""A world in which a package cannot be imported, in this process or in those that are started."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

FINDER = '''"""Runs when Python starts."""

import sys


class Blocked:
    """Says of one package that it is not there."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "{package}":
            raise ImportError(f"{{name}} is kept out")
        return None


sys.meta_path.insert(0, Blocked())
'''


def absent(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the package be absent in this process."""
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)


def keep_out(package: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a package out of the processes that are started from here, and out of those that they start."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(FINDER.format(package=package))
    monkeypatch.setenv("PYTHONPATH", str(folder))
