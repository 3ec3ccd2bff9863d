"""The share that one row adds to another's reduction of errors, as `benchmarks/interleaving.py` tells it."""

from __future__ import annotations

from types import ModuleType

import pytest
from support.scripts import script
from support.tree import CHECKOUT

from fedasr.comparison.model_errors import ModelErrors


@pytest.fixture
def interleaving(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(CHECKOUT / "benchmarks"))
    return script("interleaving")


class MadeUp:
    """A row by what it gets wrong, speaker by speaker, in three draws of 100 words each."""

    def __init__(self, *errors: tuple[int, ...]) -> None:
        self.errors = errors

    def tested(self, of: str, decoding: str) -> list[ModelErrors]:
        return [
            ModelErrors(draw, 1, tuple((f"{draw}/{place}", made, 100) for place, made in enumerate(errors)))
            for draw, errors in enumerate(self.errors)
        ]


ALONE = MadeUp((40, 50, 60), (30, 50, 40), (45, 55, 50))


def test_a_share_is_what_one_row_saves_over_what_another_does_less_one(interleaving: ModuleType) -> None:
    first, second = MadeUp((20, 30, 35), (20, 28, 20), (25, 33, 30)), MadeUp((25, 34, 40), (22, 35, 25), (30, 38, 35))
    saved = [sum(map(sum, ALONE.errors)) - sum(map(sum, row.errors)) for row in (first, second)]
    assert interleaving.added(first, second, ALONE, "", "").startswith(f"{100 * (saved[0] / saved[1] - 1):+.0f}% (")


def test_a_row_adds_nothing_to_itself(interleaving: ModuleType) -> None:
    row = MadeUp((20, 30, 35), (20, 28, 20), (25, 33, 30))
    assert interleaving.added(row, row, ALONE, "", "") == "+0% (+0% to +0%)"


def test_rows_tested_on_other_speakers_are_refused(interleaving: ModuleType) -> None:
    with pytest.raises(SystemExit, match="not tested on the same speakers"):
        interleaving.reductions(ALONE.tested("", ""), MadeUp((1, 2), (1, 2), (1, 2)).tested("", ""))
