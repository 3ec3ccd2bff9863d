import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.common.errors import UserError


@given(st.lists(st.text(st.characters(exclude_categories=()))))
def test_each_mistake_is_one_line_that_can_be_written(told: list[str]) -> None:
    error = UserError(*told)
    assert len(error.lines) == len(told)
    assert all(len(line.encode().decode().splitlines()) <= 1 for line in error.lines)
    assert pickle.loads(pickle.dumps(error)).lines == error.lines


@pytest.mark.parametrize(("told", "line"), [("a\nb", "a b"), ("a\u2028b", "a b"), ("x \ud83d y", "x \\ud83d y")])
def test_what_has_no_place_in_a_line_is_shown_otherwise(told: str, line: str) -> None:
    assert UserError(told).lines == (line,)
