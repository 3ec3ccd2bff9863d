"""Lines that must not be lost: a file that grows by a line a charge, and the mark by which a checkpoint knows it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError
from fedasr.common.files import append_whole, write_bytes, write_lines

MEND = "put it back as it was, or remove the row's folder to begin the row anew"


@dataclass(frozen=True)
class LedgerMark:
    """How far a file of charges had grown.

    Attributes
    ----------
    lines : int
    sha256 : str
        Of those lines, line breaks included.
    """

    lines: int
    sha256: str


@dataclass(frozen=True)
class ChargedLines:
    """A file of JSON lines, each on the disk before what it charges is used.

    A crash can tear the last line off, and nothing else: what it would have charged was not used by then, so that it
    is left out and cut off by the next line. Anything else that is no line is damage, and refused.

    Parameters
    ----------
    path : Path
    """

    path: Path

    def read(self) -> list[dict[str, Any]]:
        """Return all lines.

        Raises
        ------
        UserError
            Where the file is damaged.
        """
        return [self._parsed(number, line) for number, line in enumerate(self._whole(), start=1)]

    def append(self, line: Mapping[str, Any], durably: bool = True) -> None:
        """Add a line, which is on the disk when this returns unless that need not be."""
        append_whole(self.path, line, durably)

    def begin(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Write the first lines, all or none."""
        write_lines(self.path, lines)

    def mark(self, first: int | None = None) -> LedgerMark:
        """Return how far the file has grown; or how far it had, when it held so many lines."""
        return _mark_of(self._whole()[:first])

    def cut(self, lines: int) -> None:
        """Leave the first lines alone."""
        if self.path.exists():
            write_bytes(self.path, b"".join(line + b"\n" for line in self._whole()[:lines]))

    def check(self, mark: LedgerMark) -> None:
        """Refuse a file that has lost or changed lines since a mark was made; lines after it are as they should be.

        Raises
        ------
        UserError
        """
        lines = self._whole()
        if len(lines) < mark.lines:
            raise UserError(
                f"{self.path}: the ledger holds {len(lines)} charges, and the checkpoint was saved after "
                f"{mark.lines}; {MEND}"
            )
        if _mark_of(lines[: mark.lines]) != mark:
            raise UserError(f"{self.path}: not the ledger that the checkpoint was saved with; {MEND}")

    def damaged(self, number: int) -> UserError:
        """Return what to tell of a line that is none."""
        return UserError(f"{self.path}: corrupt in line {number}; {MEND}")

    def _whole(self) -> list[bytes]:
        content = self.path.read_bytes() if self.path.exists() else b""
        return content.split(b"\n")[:-1]

    def _parsed(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            found = json.loads(line)
        except ValueError:
            raise self.damaged(number) from None
        if not isinstance(found, dict):
            raise self.damaged(number)
        return found


def _mark_of(lines: list[bytes]) -> LedgerMark:
    total = hashlib.sha256()
    for line in lines:
        total.update(line + b"\n")
    return LedgerMark(len(lines), total.hexdigest())
