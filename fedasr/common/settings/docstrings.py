"""What a dataclass' docstring says of it and of its fields, in numpydoc."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping

SECTIONS = ("Parameters", "Attributes")


def summary(cls: type) -> str:
    """Return what a class is: its docstring up to the first section."""
    return re.split(r"\n+\w+\n-{3,}\n", inspect.cleandoc(cls.__doc__ or ""), maxsplit=1)[0].strip()


def meanings(cls: type) -> Mapping[str, str]:
    """Return what each field means, in one line; what is inherited may be told by the class that it comes from."""
    found: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        found |= {name: text for name, text in _entries(each.__dict__.get("__doc__") or "").items() if text}
    return found


def _entries(docstring: str) -> dict[str, str]:
    """Return the texts of all entries by name; names that stand together share one."""
    texts: dict[str, str] = {}
    names: list[str] = []
    inside = False
    lines = inspect.cleandoc(docstring).splitlines()
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if below and set(below) == {"-"}:
            inside, names = line in SECTIONS, []
        elif inside and line[:1].strip(" -"):
            names = [name.strip() for name in line.partition(" : ")[0].split(",")]
            texts |= dict.fromkeys(names, "")
        elif inside:
            texts |= {name: f"{texts[name]} {line.strip()}".strip() for name in names}
    return texts
