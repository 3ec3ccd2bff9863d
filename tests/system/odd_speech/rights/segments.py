"""Parts of a long file are what lies between their ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedasr.corpora.audio import AudioFile
from fedasr.corpora.load import load_corpus


@dataclass(frozen=True)
class CutsOut:
    """Each utterance is a part, exact to the sample, with an id of its own.

    Parameters
    ----------
    samples : ndarray, optional
        The whole file; by default what it is read as.
    rate_hz : int
        The file's.
    parts : sequence of tuple of float
        Offset and length of each in seconds.
    """

    samples: NDArray[np.float64] | None
    rate_hz: int
    parts: Sequence[tuple[float, float]]
    kind: str = "manifest"

    def check(self, folder: Path) -> None:
        found = load_corpus(self.kind, folder)
        assert len({utterance.id for utterance in found}) == len(self.parts)
        whole = self.samples
        if whole is None:
            whole = AudioFile(next(folder.glob("long.*"))).read(self.rate_hz)
        for utterance, (offset, length) in zip(found, self.parts, strict=True):
            first, count = round(offset * self.rate_hz), round(length * self.rate_hz)
            heard = utterance.audio.read(self.rate_hz)
            assert len(heard) == count
            assert np.abs(heard - whole[first : first + count]).max() <= 2**-20
            assert abs(utterance.duration_seconds - length) <= 1 / self.rate_hz
