"""A client half that declares no table of answers is a line, before anything is prepared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.running import Refused


@pytest.mark.parametrize(("mistake", "says"), [
    ("text", "has the key 'train', which is no Kind"),
    ("class", "which is no Kind"),
    ("no function", "answers 'train' by a str, which is no function"),
    ("nothing", "gives a NoneType"),
    ("list", "gives a list"),
    ("no category", "has the Kind 'learn'"),
    ("no name", "has the Kind 'train.two words'"),
    ("raises", "ZeroDivisionError: no silo"),
])  # fmt: skip
def test_what_is_no_table_of_answers(
    mistake: str, says: str, write_toml: Callable[..., Path], refused: Refused
) -> None:
    half = {"client": "support.wrong_halves:Mistaken", "client_options": {"mistake": mistake}}
    line = refused(write_toml(compare=[{"name": "row", "strategy": "fedavg", **half}]))
    assert "compare.row: Mistaken.answers" in line
    assert says in line
