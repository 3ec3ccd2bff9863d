"""The source tree as the guards read it: its modules, what each imports, and the rooms that CONTRIBUTING names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = {"fedasr": CHECKOUT / "fedasr", "fedasr.strategies": CHECKOUT / "strategies"}


@dataclass(frozen=True)
class Module:
    """One source file."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def room(self) -> str:
        """The folder of `fedasr/` that it lies in; ``"doors"`` for those at the root."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 2 or (self.path.stem == "__init__" and len(parts) == 2) else "doors"


def read_modules(packages: Mapping[str, Path]) -> dict[str, Module]:
    """Return every module of some packages by its full name."""
    found = {}
    for package, folder in packages.items():
        for path in sorted(folder.rglob("*.py")):
            inner = path.relative_to(folder).with_suffix("").parts
            name = ".".join((package, *inner)).removesuffix(".__init__")
            found[name] = Module(name, path, ast.parse(path.read_text(encoding="utf-8")))
    return found


def arrows(modules: Mapping[str, Module]) -> dict[str, set[str]]:
    """Return which of these modules each one imports, wherever in it the import stands."""
    return {name: {t for t in _imported(m, modules) if t in modules and t != name} for name, m in modules.items()}


def _imported(module: Module, modules: Mapping[str, Module]) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield inner if inner in modules else base


def _base(module: Module, node: ast.ImportFrom) -> str:
    """Return the module that is imported from; one dot is the package that the importing file lies in."""
    if not node.level:
        return node.module or ""
    package = module.name.split(".") if module.path.stem == "__init__" else module.name.split(".")[:-1]
    return ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])


def rooms() -> dict[str, set[str]]:
    """Return the rooms of CONTRIBUTING's table in their order, each with those that it may import."""
    text = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found: dict[str, set[str]] = {}
    for room, allowed in re.findall(r"^\| `(\w+)/?` \|.*\| ([^|]*) \|$", text, re.MULTILINE):
        found[room] = set(found) if allowed == "all above" else set(re.findall(r"`(\w+)`", allowed))
    return found
