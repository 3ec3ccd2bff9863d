from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.common.errors import UserError
from fedasr.common.settings import SettingsError, from_table, least, one_of, share, to_table


@dataclass(frozen=True)
class Inner:
    rate: float = share(0.5)
    kind: str = one_of("red", "red", "green")


@dataclass(frozen=True)
class Outer:
    name: str
    count: int = least(3, 1)
    flag: bool = False
    pair: tuple[int, float] = (1, 2.0)
    several: tuple[str, ...] = ()
    maybe: int | None = None
    inner: Inner = field(default_factory=Inner)
    inners: tuple[Inner, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


def _refused(table: Mapping[str, Any]) -> str:
    with pytest.raises(UserError) as error:
        from_table(Outer, {"name": "x", **table}, "file.toml")
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("file.toml: ")
    return str(error.value)


outers = st.builds(
    Outer,
    name=st.text(max_size=5),
    count=st.integers(1, 99),
    flag=st.booleans(),
    pair=st.tuples(st.integers(), st.floats(allow_nan=False)),
    several=st.lists(st.text(max_size=3), max_size=3).map(tuple),
    maybe=st.none() | st.integers(),
    inner=st.builds(Inner, st.floats(0, 1), st.sampled_from(["red", "green"])),
    inners=st.lists(st.builds(Inner, st.floats(0, 1)), max_size=2).map(tuple),
    options=st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=2),
)


@given(outers)
def test_settings_survive_their_table(settings: Outer) -> None:
    assert from_table(Outer, to_table(settings), "here") == settings


def test_what_is_left_out_has_its_default() -> None:
    assert from_table(Outer, {"name": "x"}, "here") == Outer("x")


def test_whole_numbers_are_numbers() -> None:
    found = from_table(Outer, {"name": "x", "pair": [1, 2], "inner": {"rate": 1}}, "here")
    assert found.pair == (1, 2.0)
    assert isinstance(found.pair[1], float)
    assert isinstance(found.inner.rate, float)


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"cuont": 3}, ("'cuont'", "'count'")),
        ({"inner": {"rat": 1}}, ("'inner.rat'", "'rate'")),
        ({"inners": [{}, {"rat": 1}]}, ("'inners[1].rat'",)),
        ({"zzzzzz": 3}, ("'zzzzzz'", "known:", "count", "name")),
        ({"count": "3"}, ("'count'", "a whole number", "'3'")),
        ({"count": 3.0}, ("'count'", "a whole number", "3.0")),
        ({"count": True}, ("'count'", "True")),
        ({"flag": 1}, ("'flag'", "true or false")),
        ({"name": 7}, ("'name'", "a text", "7")),
        ({"count": 0}, ("'count'", "at least 1", "0")),
        ({"inner": {"rate": 1.01}}, ("'inner.rate'", "at most 1", "1.01")),
        ({"inner": {"rate": float("nan")}}, ("'inner.rate'", "nan")),
        ({"inner": {"kind": "grean"}}, ("'inner.kind'", "'green'")),
        ({"inner": 3}, ("'inner'", "a table", "3")),
        ({"pair": [1]}, ("'pair'", "2 entries", "1")),
        ({"pair": [1, "x"]}, ("'pair[1]'", "a number")),
        ({"several": "x"}, ("'several'", "a list")),
        ({"several": ["x", 3]}, ("'several[1]'", "a text")),
        ({"maybe": "x"}, ("'maybe'", "'x'")),
        ({"options": [1]}, ("'options'", "a table")),
    ],
)
def test_refusals_name_key_and_mend(table: dict[str, Any], named: tuple[str, ...]) -> None:
    line = _refused(table)
    for part in named:
        assert part in line


def test_all_mistakes_are_told_at_once() -> None:
    wrong = {"cuont": 3, "pair": ["x", True], "inner": {"rate": 2, "kind": "grean"}, "inners": [{}, 3, {"rat": 1}]}
    with pytest.raises(SettingsError) as error:
        from_table(Outer, wrong, "file.toml", "table.")
    lines = error.value.lines
    assert all(line.startswith("file.toml: ") for line in lines)
    named = [next(iter(mistake.keys)) for mistake in error.value.mistakes]
    assert sorted(named) == [
        "table.cuont", "table.inner.kind", "table.inner.rate", "table.inners[1]", "table.inners[2].rat",
        "table.name", "table.pair[0]", "table.pair[1]",
    ]  # fmt: skip
    assert len(lines) == len(named)
    assert all(f"'{key}'" in line for key, line in zip(named, lines, strict=True))


def test_a_required_key_is_missed() -> None:
    with pytest.raises(UserError, match="'name' is missing"):
        from_table(Outer, {}, "here")
