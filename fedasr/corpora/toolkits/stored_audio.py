"""Audio that is kept as bytes in a table."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile, AudioInfo
from fedasr.corpora.toolkits.tables import opened_table


@dataclass(frozen=True)
class StoredAudio:
    """The bytes of an audio file in one cell of a data set on disk.

    They are written to a temporary file, so that they are checked and decoded as any audio file is.

    Parameters
    ----------
    folder : Path
        The data set, or its split.
    column : str
    row : int
    """

    folder: Path
    column: str
    row: int

    def inspect(self) -> AudioInfo:
        """Return what the header says; raises as `AudioFile.inspect`."""
        with self._file() as file:
            return file.inspect()

    def read(self, sample_rate_hz: int) -> NDArray[np.float32]:
        """Return mono samples at the given rate, shape (samples,)."""
        with self._file() as file:
            return file.read(sample_rate_hz)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the bytes."""
        return hashlib.sha256(self._content()[0]).hexdigest()

    def _content(self) -> tuple[memoryview, str]:
        """Return the bytes, and the ending of the file's name, which libraries of audio look at."""
        cell = opened_table(self.folder).column(self.column)[self.row]
        return memoryview(cell["bytes"].as_buffer()), Path(cell["path"].as_py() or "").suffix

    @contextmanager
    def _file(self) -> Iterator[AudioFile]:
        content, ending = self._content()
        with tempfile.NamedTemporaryFile(suffix=ending) as file:
            file.write(content)
            file.flush()
            try:
                yield AudioFile(Path(file.name))
            except UserError as error:
                cell = f"{self.folder}, row {self.row}, column '{self.column}'"
                raise UserError(*(line.replace(file.name, cell) for line in error.lines)) from error
