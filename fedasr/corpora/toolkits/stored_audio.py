"""Audio that is kept as bytes in a table."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile, AudioInfo
from fedasr.corpora.noted import NotedSamples
from fedasr.corpora.toolkits.tables import opened_table

_ENDING = re.compile(r"\.\w{1,8}")


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
        return self.hear(sample_rate_hz).samples

    def hear(self, sample_rate_hz: int) -> NotedSamples:
        """Return the samples, and what was done to get them."""
        with self._file() as file:
            heard = file.hear(sample_rate_hz)
        return replace(heard, notes=tuple(replace(note, file=self._cell) for note in heard.notes))

    def fingerprint(self) -> str:
        """Return the SHA-256 of the bytes."""
        return hashlib.sha256(self._content()[0]).hexdigest()

    @property
    def _cell(self) -> str:
        return f"{self.folder}, row {self.row}, column '{self.column}'"

    def _content(self) -> tuple[memoryview, str]:
        """Return the bytes, and the ending of the file's name, which libraries of audio look at."""
        cell = opened_table(self.folder).column(self.column)[self.row]
        ending = Path(cell["path"].as_py() or "").suffix
        return memoryview(cell["bytes"].as_buffer()), ending if _ENDING.fullmatch(ending) else ""

    @contextmanager
    def _file(self) -> Iterator[AudioFile]:
        with _written(*self._content()) as file:
            try:
                yield AudioFile(Path(file.name))
            except UserError as error:
                raise UserError(*(line.replace(file.name, self._cell) for line in error.lines)) from error


def _written(content: memoryview, ending: str) -> IO[bytes]:
    """Return a temporary file of some bytes, which is removed when it is closed."""
    try:
        file = tempfile.NamedTemporaryFile(suffix=ending)  # noqa: SIM115 (the caller closes it)
        file.write(content)
        file.flush()
    except OSError as error:
        told = f"cannot write a temporary file ({error.strerror})"
        raise UserError(f"{tempfile.tempdir}: {told}; free some space, or set TMPDIR") from error
    return cast(IO[bytes], file)
