"""Arrows point down the table of CONTRIBUTING only, without circles."""

import ast
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest
from support.tree import CHECKOUT, PACKAGES, arrows, read_modules, rooms

DOORS = {"__init__", "api", "simulate", "evaluate", "transcribe", "replay", "conform", "verify", "flower_app"}

MODULES = read_modules(PACKAGES)
ARROWS = arrows(MODULES)
ROOMS = rooms()


def circle(graph: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_the_table_names_every_room() -> None:
    folders = {path.name for path in (CHECKOUT / "fedasr").iterdir() if (path / "__init__.py").exists()}
    assert set(ROOMS) == folders | {"strategies"}


def test_the_table_allows_no_arrow_up() -> None:
    order = list(ROOMS)
    for room, allowed in ROOMS.items():
        assert allowed <= set(order[: order.index(room)]), room
        assert room not in ("wire", "network", "privacy", "asr") or allowed <= {"common"}


def test_a_room_imports_what_the_table_allows_and_no_door() -> None:
    wrong = []
    for name, module in MODULES.items():
        if module.room != "doors":
            known = {module.room, *ROOMS[module.room]}
            wrong += [f"{name} imports {other}" for other in ARROWS[name] if MODULES[other].room not in known]
    assert not wrong


def test_fedasr_finds_strategies_by_their_entry_points_only() -> None:
    for name, module in MODULES.items():
        if module.room != "strategies":
            words = [node.value for node in ast.walk(module.tree) if isinstance(node, ast.Constant)]
            assert not [word for word in words if isinstance(word, str) and word.startswith("fedasr.strategies.")], name
            assert "strategies" not in {MODULES[other].room for other in ARROWS[name]}, name


def test_no_circle_between_modules() -> None:
    assert circle(ARROWS) == []


def test_only_doors_stand_at_the_root() -> None:
    files = {path.name for path in (CHECKOUT / "fedasr").iterdir() if path.is_file()}
    assert files == {f"{door}.py" for door in DOORS} | {"py.typed"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("import house.b.two", "from house.a import one"),
        ("from ..b import two", "def late():\n    from ..a.one import x"),
        ("from house.b.two import y", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import house.a.one"),
    ],
)
def test_a_circle_is_seen_however_it_is_written(tmp_path: Path, first: str, second: str) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    (tmp_path / "a" / "one.py").write_text(first)
    (tmp_path / "b" / "two.py").write_text(second)
    modules = read_modules({"house": tmp_path})
    graph = arrows(modules)
    assert {("house.a.one", "house.b.two"), ("house.b.two", "house.a.one")} == set(pairwise(circle(graph)))
    assert {name: module.room for name, module in modules.items()} == {
        "house.a": "a", "house.b": "b", "house.a.one": "a", "house.b.two": "b",
    }  # fmt: skip
