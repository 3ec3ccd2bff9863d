import copy
import pickle
from collections.abc import Iterable
from dataclasses import FrozenInstanceError, dataclass, replace
from math import inf, nan
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedasr.common.errors import UserError
from fedasr.common.settings import Mistake, Settings, SettingsError, from_table, number, one_of, share


@dataclass(frozen=True)
class Dish(Settings):
    heat: float = number(0.5, least=0, below=1)
    spoons: int = number(3, least=1, most=9)
    salt: float = number(1.0, above=0, below=inf, mend="leave it out")
    sides: tuple[float, ...] = number((), above=0, most=1)
    kind: str = one_of("soup", "soup", "stew")
    when: Literal["noon", "night"] = "noon"
    lid: float | None = share(0.0)

    def conflicts(self) -> Iterable[Mistake]:
        if self.kind == "stew" and self.spoons > 5:
            yield Mistake("{0} is more than a stew takes", ("spoons",))
        if self.kind != "stew":
            yield from self.without_effect("lid", unless="kind = 'stew'")


@dataclass(frozen=True)
class Menu(Settings):
    dish: Dish = Dish()
    dishes: tuple[Dish, ...] = ()


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"heat": 1}, "'heat' must be a number of at least 0 and below 1, not 1"),
        ({"heat": nan}, "'heat' must be a number of at least 0 and below 1, not nan"),
        ({"spoons": 10}, "'spoons' must be a whole number of at least 1 and at most 9, not 10"),
        ({"spoons": True}, "'spoons' must be a whole number of at least 1 and at most 9, not True"),
        ({"spoons": 3.0}, "'spoons' must be a whole number of at least 1 and at most 9, not 3.0"),
        ({"spoons": None}, "'spoons' must be a whole number of at least 1 and at most 9, not None"),
        ({"salt": inf}, "'salt' must be a finite number above 0, not inf; leave it out"),
        ({"salt": "much"}, "'salt' must be a finite number above 0, not 'much'"),
        ({"sides": [0.5, 2]}, "'sides[1]' must be a number above 0 and at most 1, not 2"),
        ({"sides": 2}, "'sides' must be a list of numbers above 0 and at most 1, not 2"),
        ({"kind": "stu"}, "'kind' is 'stu'; did you mean 'stew'?"),
        ({"kind": 3}, "'kind' must be a text, not 3"),
        ({"when": "nigth"}, "'when' is 'nigth'; did you mean 'night'?"),
        ({"lid": 2}, "'lid' must be a number of at least 0 and at most 1, not 2"),
        ({"kind": "stew", "spoons": 6}, "'spoons' is more than a stew takes"),
        ({"lid": 0.5}, "'lid' takes no effect; it goes with kind = 'stew'"),
    ],
)
def test_the_same_is_refused_however_settings_are_made(values: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError) as error:
        Dish(**values)
    assert error.value.lines == (line,)
    with pytest.raises(UserError) as error:
        replace(Dish(), **values)
    assert error.value.lines == (line,)
    with pytest.raises(UserError) as error:
        from_table(Dish, values, "menu.toml")
    assert error.value.lines == (f"menu.toml: {line}",)


def test_mistakes_between_fields_are_told_where_the_table_stands() -> None:
    tables = {"dish": {"lid": 0.5}, "dishes": [{}, {"kind": "stew", "spoons": 6}]}
    with pytest.raises(SettingsError) as error:
        from_table(Menu, tables, "menu.toml", "week.")
    assert [mistake.keys for mistake in error.value.mistakes] == [("week.dish.lid",), ("week.dishes[1].spoons",)]


def test_a_value_that_reads_like_a_key_stays_as_it_is() -> None:
    with pytest.raises(UserError, match=r"'spoons' must be .*, not '\{0\}'"):
        Dish(spoons="{0}")  # type: ignore[arg-type]


@given(st.integers(1, 9), st.floats(0, 1, exclude_max=True), st.lists(st.integers(1, 1), max_size=3))
def test_values_become_what_the_field_holds(spoons: int, heat: float, sides: list[int]) -> None:
    dish = Dish(spoons=np.int64(spoons), heat=np.float64(heat), sides=sides)  # type: ignore[arg-type]
    assert dish == from_table(Dish, {"spoons": spoons, "heat": heat, "sides": sides}, "here")
    assert [type(dish.spoons), type(dish.heat), type(dish.sides)] == [int, float, tuple]
    assert all(type(side) is float for side in dish.sides)


def test_settings_are_values() -> None:
    with pytest.raises(FrozenInstanceError):
        Dish().heat = 0.1  # type: ignore[misc]
    assert {Dish(): 1}[Dish(heat=0.5)] == 1
    assert pickle.loads(pickle.dumps(Menu())) == copy.deepcopy(Menu())


def test_an_error_keeps_its_lines_on_its_way_from_another_process() -> None:
    with pytest.raises(UserError) as error:
        Dish(heat=2, spoons=0)
    there = pickle.loads(pickle.dumps(error.value))
    assert there.lines == error.value.lines
    assert len(there.lines) == 2
    assert str(there) == str(error.value)


def test_a_dataclass_of_somebody_elses_may_refuse_for_itself() -> None:
    @dataclass(frozen=True)
    class Theirs:
        name: str

        def __post_init__(self) -> None:
            if self.name == "x":
                raise UserError("'name' is 'x', which is taken")

    assert from_table(Theirs, {"name": "y"}, "here") == Theirs("y")
    with pytest.raises(UserError, match=r"^here: 'name' is 'x', which is taken$"):
        from_table(Theirs, {"name": "x"}, "here")


def test_a_key_of_a_table_within_is_named_where_it_belongs() -> None:
    with pytest.raises(SettingsError, match=r"unknown key 'spoons'; did you mean 'dish\.spoons'\?"):
        from_table(Menu, {"spoons": 3}, "menu.toml")
