"""A file of a run that is damaged changes no result without a word: a small sample of ``benchmarks/fuzz.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.forms import benchmark

SEED = 1
MENDED = (1034, 1072, 1079, 1143, 1601, 5029, 5127)
"""Damages that once gave a traceback, or another result without a word."""
OTHERS = range(8)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, _surroundings: None) -> Iterator[Any]:
    patch = pytest.MonkeyPatch()
    patch.setattr("fedasr.report.write_page", lambda folder, release=False: folder)
    root: Path = tmp_path_factory.mktemp("fuzz")
    patch.setenv("FEDASR_CACHE", str(root / "place" / "cache"))
    yield benchmark("damage.bench").Bench(root)
    patch.undo()


@pytest.mark.parametrize("number", [*MENDED, *OTHERS])
def test_damage_is_told_or_changes_nothing(number: int, bench: Any) -> None:
    came, told = benchmark("damage.trial").trial(bench, SEED, number)
    assert came in ("same", "told"), "\n".join(told)


def test_another_whole_model_apart_is_itself(bench: Any) -> None:
    """Damage 1557: two models swapped, of which one lies apart from any run that knows it."""
    came, told = benchmark("damage.trial").trial(bench, SEED, 1557)
    assert (came, told[1]) == ("same", "finished evaluate apart")
    assert told[0].startswith("swap model/model.safetensors with")


def test_the_undamaged_says_nothing_of_damage(bench: Any) -> None:
    assert not [line for told in bench.usual.values() for line in told if "corrupt" in line]
