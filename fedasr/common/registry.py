"""Named classes: fedasr's own and anybody's, found by one mechanism, the entry points of installed packages."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar, cast

from fedasr.common.errors import UserError, nearest
from fedasr.common.plug_ins import imported, plugged_in

T = TypeVar("T")


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
def _points(group: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group; reading them takes milliseconds, and packages come with a new process."""
    return tuple(entry_points(group=group))
