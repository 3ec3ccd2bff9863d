"""Two hundred odd files and lines: each gives the right value, or is refused in lines that name it and the mend."""

from pathlib import Path

import pytest

from system.odd_speech.case import Case
from system.odd_speech.kinds import forms, half_strings, lengths, no_numbers, several, signals, tables, texts

KINDS = (tables, lengths, signals, texts, half_strings, no_numbers, several, forms)
CASES = [pytest.param(c, id=f"{kind.__name__.split('.')[-1]}: {c.name}") for kind in KINDS for c in kind.CASES]


def test_there_are_twenty_five_of_each_kind() -> None:
    assert [len({case.name for case in kind.CASES}) for kind in KINDS] == [25] * 8


@pytest.mark.parametrize("case", CASES)
def test_it_is_right_or_refused(case: Case, tmp_path: Path) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    case.write(folder)
    case.right.check(folder)
