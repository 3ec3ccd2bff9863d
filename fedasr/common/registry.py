"""Named classes: fedasr's own and anybody's, found by one mechanism, the entry points of installed packages."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Generic, TypeVar, cast

from fedasr.common.errors import UserError, nearest
from fedasr.common.plug_ins import imported, plugged_in

T = TypeVar("T")
SOURCES = Path(__file__).parents[2] / "pyproject.toml"
"""Of the checkout that is imported, where it is one."""
INSTALL = f"it is older than them: pip install -e {SOURCES.parent}"


@dataclass(frozen=True)
class Registry(Generic[T]):
    """What may be called by a name in an experiment: a codec, a strategy, a head.

    fedasr names its own in ``pyproject.toml`` just as another package does. Beside a registered name,
    ``module:Name`` is taken, so that a file on the path needs no package.

    Parameters
    ----------
    kind : str
        What the named things are, in messages: ``"codec"``.
    group : str
        The entry-point group: ``"fedasr.codecs"``.
    """

    kind: str
    group: str

    def known(self) -> dict[str, str]:
        """Return the import path of each registered name, in the order of the names.

        Raises
        ------
        UserError
            Where two packages register different things under one name.
        """
        return _registered(self.kind, self.group)

    def find(self, name: str) -> T:
        """Return what a name stands for.

        Raises
        ------
        UserError
            Where there is nothing of that name, or importing it raises anything.
        """
        known = self.known()
        if name not in known and ":" not in name:
            if name in _written_down(self.group):
                raise UserError(f"the installation does not know the {self.kind} '{name}' of its sources; {INSTALL}")
            raise UserError(f"there is no {self.kind} '{name}'{nearest(name, known)}")
        module, _, attribute = known.get(name, name).partition(":")
        with plugged_in(f"the {self.kind} '{name}' cannot be imported", module):
            return cast(T, imported(module, attribute))

    def name_of(self, found: object) -> str:
        """Return the name under which something is registered, else its import path."""
        path = f"{getattr(found, '__module__', '')}:{getattr(found, '__qualname__', '')}"
        return next((name for name, known in self.known().items() if known == path), path)


def _registered(kind: str, group: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for point in sorted(_points(group), key=lambda point: point.name):
        other = found.setdefault(point.name, point.value)
        if other != point.value:
            raise UserError(f"two packages register the {kind} '{point.name}': {other} and {point.value}; remove one")
    return found


@functools.cache
def _written_down(group: str) -> frozenset[str]:
    """Return the names that a checkout's ``pyproject.toml`` gives to a group; none where there is no checkout.

    An editable installation knows those of the day on which it was made.
    """
    try:
        table = tomllib.loads(SOURCES.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return frozenset()
    project = table.get("project", {})
    return frozenset(project.get("entry-points", {}).get(group, {})) if project.get("name") == "fedasr" else frozenset()


@functools.cache
def _points(group: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group; reading them takes milliseconds, and packages come with a new process."""
    return tuple(entry_points(group=group))
