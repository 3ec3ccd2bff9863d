"""Which columns of a table hold what."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fedasr.common.settings import Settings


@dataclass(frozen=True)
class Columns(Settings):
    """The names of a table's columns; an empty one is what the form of the corpus itself calls it.

    Parameters
    ----------
    audio : str
        The audio, or the path of its file.
    text : str
        What is said.
    speaker : str
        Who says it.
    """

    audio: str = ""
    text: str = ""
    speaker: str = ""

    @property
    def chosen(self) -> Columns | None:
        """These names, or None where there is none."""
        return self if any(vars(self).values()) else None

    def over(self, own: Columns) -> Columns:
        """Return these names, with a form's own where there is none."""
        return replace(own, **{key: name for key, name in vars(self).items() if name})
