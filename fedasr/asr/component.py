"""Components of a recogniser that are called by a name: encoders and heads, and where their settings come from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from torch import nn

from fedasr.common.errors import UserError, nearest
from fedasr.common.plug_ins import plugged_in
from fedasr.common.registry import Registry
from fedasr.common.settings import Mistake, Settings, SettingsError
from fedasr.common.settings.mistakes import joined
from fedasr.common.settings.tables import read


@dataclass(frozen=True)
class NoOptions(Settings):
    """The settings of a component that has none."""


NO_OPTIONS = NoOptions()


class Component(nn.Module):
    """A named component: made of sizes that the recogniser gives and of settings, in that order.

    Attributes
    ----------
    role : str
        ``"encoder"`` or ``"head"``.
    settings : type
        A frozen dataclass. A field that is called as one of the recogniser's own settings (``units``, ``dropout``, …)
        is filled from there, any other from the component's table of options.
    """

    role: ClassVar[str]
    settings: ClassVar[type[Settings]] = NoOptions


C = TypeVar("C", bound=Component)


@dataclass(frozen=True)
class Choice:
    """Which component, with which settings.

    Parameters
    ----------
    name : str
        A registered name, or ``module:Class``.
    shared : mapping
        Settings of the whole recogniser; the component takes those that it has a field for.
    options : mapping
        Settings of the component alone.
    """

    name: str
    shared: Mapping[str, Any]
    options: Mapping[str, Any]

    def mistakes(self, registry: Registry[type[C]]) -> list[Mistake]:
        """Return what is wrong with the name and the settings, by the keys of ``[model]``."""
        known = registry.known()
        if self.name not in known and ":" not in self.name:
            return [Mistake(f"{{0}} is '{self.name}'{nearest(self.name, known)}", (registry.kind,))]
        try:
            return self._read(registry)[2]
        except UserError as error:
            return [Mistake(f"{{0}}: {error}", (registry.kind,))]

    def unused(self, registry: Registry[type[C]]) -> set[str]:
        """Return which settings of the whole recogniser the component does not take."""
        names = {field.name for field in dataclasses.fields(registry.find(self.name).settings)}  # type: ignore[arg-type]
        return set(self.shared) - names

    def made(self, registry: Registry[type[C]], *sizes: int) -> C:
        """Return the component.

        Raises
        ------
        UserError
            Where the name or the settings are wrong.
        """
        component, settings, mistakes = self._read(registry)
        if mistakes:
            raise SettingsError.of(mistakes)
        with plugged_in(f"the {registry.kind} '{self.name}'", component.__module__):
            return component(*sizes, settings)

    def _read(self, registry: Registry[type[C]]) -> tuple[type[C], Any, list[Mistake]]:
        component = registry.find(self.name)
        if getattr(component, "role", None) != registry.kind:
            raise UserError(f"'{self.name}' is no {registry.kind}: it is not derived from fedasr's base class")
        names = {field.name for field in dataclasses.fields(component.settings)}  # type: ignore[arg-type]
        taken = {name: value for name, value in self.shared.items() if name in names}
        settings, mistakes = read(component.settings, {**taken, **self.options})
        own = f"{registry.kind}_options"
        shared = taken.keys() - self.options.keys()
        return component, settings, [_placed(mistake, shared, own) for mistake in mistakes]


def _placed(mistake: Mistake, shared: set[str], table: str) -> Mistake:
    """Return a mistake of a component's settings as it is seen from ``[model]``."""
    keys = tuple(key if key in shared else joined(table, key) for key in mistake.keys)
    return dataclasses.replace(mistake, keys=keys)
