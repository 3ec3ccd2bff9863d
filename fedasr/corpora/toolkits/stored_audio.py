"""Audio that is kept as bytes in a table."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedasr.corpora.audio import AudioInfo
from fedasr.corpora.audio.hearing import hear_stored, warned
from fedasr.corpora.audio.inspection import inspect_stored
from fedasr.corpora.audio.part import AudioPart
from fedasr.corpora.audio.stored import StoredBytes
from fedasr.corpora.noted import NotedSamples
from fedasr.corpora.toolkits.tables import opened_table


@dataclass(frozen=True)
class StoredAudio:
    """The bytes of an audio file in one cell of a data set on disk.

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
        """Return what the bytes are; raises as `inspect` of a file."""
        return inspect_stored(self._stored())

    def read(self, sample_rate_hz: int) -> NDArray[np.float32]:
        """Return mono samples at the given rate, shape (samples,), and warn of what is lost."""
        return warned(self.hear(sample_rate_hz))

    def hear(self, sample_rate_hz: int) -> NotedSamples:
        """Return mono samples at the given rate, and what was done to get them."""
        return hear_stored(self._stored(), AudioPart(), sample_rate_hz)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the bytes."""
        return hashlib.sha256(self._stored().content).hexdigest()

    def _stored(self) -> StoredBytes:
        cell = opened_table(self.folder).column(self.column)[self.row]
        return StoredBytes(f"{self.folder}, row {self.row}, column '{self.column}'", cell["bytes"].as_py())
