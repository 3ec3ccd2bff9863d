"""One name means one thing."""

import ast
from collections import defaultdict

from support.tree import PACKAGES, read_modules

MODULES = read_modules(PACKAGES)


def test_a_class_name_is_used_once() -> None:
    places = defaultdict(list)
    for name, module in MODULES.items():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(name)
    assert not {name: where for name, where in places.items() if len(where) > 1}


def test_no_two_rooms_hold_modules_of_the_same_name() -> None:
    """One level down the folder completes the name, and it may repeat."""
    rooms = defaultdict(list)
    for name, module in MODULES.items():
        parts = name.split(".")
        if len(parts) == 3 and not module.path.stem.startswith("__"):
            rooms[parts[2]].append(parts[1])
    assert not {name: where for name, where in rooms.items() if len(where) > 1}
