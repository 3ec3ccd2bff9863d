"""How a row ended: its line of the summary, and the digests of the files that it ended with."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fedasr.common.errors import UserError
from fedasr.common.files import file_digest, read_lines, write_lines
from fedasr.runs.file_names import AS_ENDED, ROW
from fedasr.runs.filling import filled
from fedasr.runs.row_summary import RowSummary


@dataclass(frozen=True)
class RowEnd:
    """The file that is the mark of a row that has ended; files of earlier versions know no digests.

    Parameters
    ----------
    path : Path
        The row's folder.
    """

    path: Path

    def summary(self) -> RowSummary | None:
        """Return the row's line of the summary, None where the row has not ended.

        Raises
        ------
        UserError
            Where it is not what was written.
        """
        lines = read_lines(self.path / ROW)
        if len(lines) > 1 and lines[1].get("row") != _digest_of(lines[0]):
            raise UserError(f"{self.path / ROW}: corrupt (not what was written); {self._mend}")
        return filled(RowSummary, lines[0]) if lines else None

    def write(self, summary: RowSummary) -> None:
        """Record how a row ended, and with which files."""
        self._write(summary, {name: digest for name in AS_ENDED if (digest := self._digest(name)) is not None})

    def amend(self, summary: RowSummary) -> None:
        """Replace the line; the files are those that the row ended with."""
        self._write(summary, self._files())

    def damaged(self) -> list[str]:
        """Return which files are not those that the row ended with."""
        return [name for name, digest in self._files().items() if self._digest(name) != digest]

    def check(self, *names: str) -> None:
        """Refuse files that are not those that the row ended with; of no names all.

        Raises
        ------
        UserError
        """
        for name in self.damaged():
            if name in names or not names:
                raise UserError(f"{self.path / name}: corrupt (not what the row ended with); {self._mend}")

    @property
    def _mend(self) -> str:
        return f"put it back, or remove {shlex.quote(str(self.path))} and --resume to run the row again"

    def _write(self, summary: RowSummary, files: Mapping[str, str]) -> None:
        line = asdict(summary)
        write_lines(self.path / ROW, [line, {"row": _digest_of(line), "files": files}])

    def _files(self) -> dict[str, str]:
        lines = read_lines(self.path / ROW)
        found = lines[1].get("files") if len(lines) > 1 else None
        return dict(found) if isinstance(found, dict) else {}

    def _digest(self, name: str) -> str | None:
        path = self.path / name
        return file_digest(path) if path.is_file() else None


def _digest_of(line: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a line as JSON."""
    return hashlib.sha256(json.dumps(line, sort_keys=True).encode()).hexdigest()
