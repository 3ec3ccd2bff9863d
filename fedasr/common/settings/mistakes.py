"""What is wrong with settings: one mistake, and all mistakes of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from fedasr.common.errors import UserError


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong, and its mend.

    Parameters
    ----------
    text : str
        What is wrong; ``{0}``, ``{1}``, … stand once for the keys: ``"{0} must be odd, not 4"``.
    keys : tuple of str
        The keys it names, relative to the settings that it is a mistake of.
    """

    text: str
    keys: tuple[str, ...] = ()

    def within(self, table: str) -> Mistake:
        """Return the mistake as seen from outside the table of that key."""
        return replace(self, keys=tuple(joined(table, key) for key in self.keys))

    def __str__(self) -> str:
        text = self.text
        for number, key in enumerate(self.keys):
            text = text.replace(f"{{{number}}}", f"'{key}'", 1)  # once: a value may look like a placeholder
        return text


def joined(table: str, key: str) -> str:
    """Return the dotted key of something inside a table or a list."""
    return f"{table}.{key}" if table and key and not key.startswith("[") else table + key


class SettingsError(UserError):
    """Settings that cannot be; a line for each mistake."""

    mistakes: tuple[Mistake, ...] = ()

    @classmethod
    def of(cls, mistakes: Iterable[Mistake], where: str | Callable[[Mistake], str] = "") -> SettingsError:
        """Return the error of some mistakes, each led by the file it was made in, if there is one."""
        found = tuple(mistakes)
        files = [where(mistake) if callable(where) else where for mistake in found]
        error = cls(*(f"{file}: {each}" if file else str(each) for file, each in zip(files, found, strict=True)))
        error.mistakes = found
        return error
