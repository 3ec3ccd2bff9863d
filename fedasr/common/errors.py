"""What can go wrong, told to the person who can mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import ClassVar


class UserError(Exception):
    """The request was wrong (exit code 2).

    Parameters
    ----------
    *lines : str
        A line for each mistake, which names the file, the key and the mend. What a file holds may stand in it: a line
        break becomes a space, and what is no character (half an emoji) its number.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, *lines: str) -> None:
        self.lines = tuple(_one_line(line) for line in lines)
        super().__init__(*self.lines)

    def __str__(self) -> str:
        return "\n".join(self.lines)


def _one_line(text: str) -> str:
    return " ".join(text.splitlines()).encode("utf-8", "backslashreplace").decode()


class DiskError(UserError):
    """A disk did not take what was to be written: nothing of the request was wrong."""


class StoppedError(UserError):
    """A run had to stop on its way; what it had made is kept, and it can go on."""

    exit_code: ClassVar[int] = 1


@contextmanager
def told_of(where: str) -> Iterator[None]:
    """Lead each line of what is refused in the block by the place that it is about.

    Raises
    ------
    UserError
        In the place of the block's own.
    """
    try:
        yield
    except UserError as error:
        raise UserError(*(f"{where}: {line}" for line in error.lines)) from error


class RowError(Exception):
    """One row of the comparison cannot go on; the other rows do (exit code 1)."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known word, else the known words."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else f"; known: {', '.join(names)}"
