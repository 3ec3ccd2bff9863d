"""The extensions of ``docs/how-to/extensions``, each installed as the package that a user would write."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.packages import EXTENSIONS, write_package

import fedasr.common.registry

Install = Callable[[str, str, str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Return a function that installs an extension, here and in processes that are started: file, group, name, what."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))
    before = set(sys.modules)

    def installed(file: str, group: str, name: str, attribute: str) -> None:
        write_package(site, EXTENSIONS / file, group, name, attribute)
        fedasr.common.registry._points.cache_clear()

    yield installed
    fedasr.common.registry._points.cache_clear()
    for path in site.glob("*.py"):
        if path.stem not in before:
            sys.modules.pop(path.stem, None)
