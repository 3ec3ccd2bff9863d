"""A file of a run that is damaged changes no result without a word: a small sample of ``benchmarks/fuzz.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.scripts import script

SEED = 1
MENDED = (1034, 1072, 1079, 1143, 5029, 5127)
"""Damages that once gave a traceback, or another result without a word."""
OTHERS = range(8)


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    return script("fuzz")


@pytest.fixture(scope="module")
def bench(fuzz: ModuleType, tmp_path_factory: pytest.TempPathFactory, _surroundings: None) -> Iterator[Any]:
    patch = pytest.MonkeyPatch()
    patch.setattr("fedasr.report.write_page", lambda folder, release=False: folder)
    root: Path = tmp_path_factory.mktemp("fuzz")
    patch.setenv("FEDASR_CACHE", str(root / "place" / "cache"))
    yield fuzz.Bench(root)
    patch.undo()


@pytest.mark.parametrize("number", [*MENDED, *OTHERS])
def test_damage_is_told_or_changes_nothing(number: int, fuzz: ModuleType, bench: Any) -> None:
    came, told = fuzz.trial(bench, SEED, number)
    assert came in ("same", "told"), "\n".join(told)


def test_the_undamaged_says_nothing_of_damage(bench: Any) -> None:
    assert not [line for told in bench.usual.values() for line in told if "corrupt" in line]
