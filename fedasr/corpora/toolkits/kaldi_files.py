"""The files of a Kaldi data folder: a line holds a key and what belongs to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fedasr.common.errors import UserError
from fedasr.corpora.faults import Fault

# Kaldi splits at these alone; a no-break space belongs to a word.
_BLANK = re.compile(r"[ \t]+")

Rows = dict[str, str | Fault]
"""What belongs to each key; a fault where the line cannot be used."""


@dataclass(frozen=True)
class KaldiLine:
    """A line of such a file.

    Parameters
    ----------
    where : str
        ``file:line``, for messages.
    key, rest : str
    fault : Fault, optional
        Why the line cannot be used.
    """

    where: str
    key: str
    rest: str
    fault: Fault | None = None


def lines(file: Path) -> Iterator[KaldiLine]:
    """Yield the lines of a file that are not blank.

    Raises
    ------
    UserError
        If the file cannot be read.
    """
    try:
        content = file.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise UserError(
            f"{file}: cannot read this file of Kaldi's ({error.strerror}); add it, or allow it to be read"
        ) from error
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip(b" \t\r"):
            yield _line(f"{file}:{number}", line.strip(b" \t\r"))


def rows(file: Path) -> Rows:
    """Return what belongs to each key of a file; raises as `lines`."""
    found: Rows = {}
    for line in lines(file):
        twice = Fault(line.where, f"a second line of '{line.key}'; remove one", "duplicates")
        found[line.key] = line.fault or (twice if line.key in found else line.rest)
    return found


def _line(where: str, line: bytes) -> KaldiLine:
    try:
        text, fault = line.decode(), None
    except UnicodeDecodeError:
        text, fault = line.decode(errors="replace"), Fault(where, "not UTF-8 text; save it as UTF-8", "encoding")
    key, *rest = _BLANK.split(text, maxsplit=1)
    return KaldiLine(where, key, rest[0] if rest else "", fault)
