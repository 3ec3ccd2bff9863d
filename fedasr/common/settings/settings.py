"""The base of all settings: a frozen dataclass that checks itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from fedasr.common.settings.mistakes import Mistake, SettingsError
from fedasr.common.settings.values import checked


class Settings:
    """A frozen dataclass whose values are checked however it is made: from a file, by a caller, by ``replace``.

    A subclass is a frozen dataclass; its limits stand beside its fields (`fedasr.common.settings.limits`).

    Raises
    ------
    SettingsError
        All that is wrong, where anything is.

    Attributes
    ----------
    former : mapping of str to str
        Keys that are not there any more, each with the words that say what to do instead.
    """

    former: ClassVar[Mapping[str, str]] = {}

    def __post_init__(self) -> None:
        names = [field.name for field in dataclasses.fields(self)]  # type: ignore[arg-type]
        values, mistakes = checked(type(self), {name: getattr(self, name) for name in names})
        if not mistakes:
            for name, value in values.items():
                object.__setattr__(self, name, value)
            mistakes = list(self.conflicts())
        if mistakes:
            raise SettingsError.of(mistakes)

    def conflicts(self) -> Iterable[Mistake]:
        """Yield what is wrong between fields that are each right."""
        return ()

    def without_effect(self, *keys: str, unless: str) -> Iterable[Mistake]:
        """Yield a mistake for each key whose value is not its default, though it takes no effect.

        Parameters
        ----------
        *keys : str
        unless : str
            With what they would take effect, such as ``"votes = 'utterance'"``.
        """
        defaults = {field.name: default_of(field) for field in dataclasses.fields(self)}  # type: ignore[arg-type]
        for key in keys:
            if getattr(self, key) != defaults[key]:
                yield Mistake(f"{{0}} takes no effect; it goes with {unless}", (key,))


def default_of(field: dataclasses.Field[Any]) -> Any:
    """Return the default of a field; `dataclasses.MISSING` where it is required."""
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
