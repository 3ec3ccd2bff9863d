"""A file of audio is read, with exactly these samples, or refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fedasr.asr.features import FeatureSpec, LogMel
from fedasr.common.errors import UserError
from fedasr.corpora.audio import AudioFile, inspect
from system.odd_speech.made.signals import RATE_HZ, Signal
from system.odd_speech.rights.refusals import Names, assert_names, refused

LAG_SECONDS = 0.2
"""As late as a coder's delay may be."""


@dataclass(frozen=True)
class Sounds:
    """The samples are these.

    Parameters
    ----------
    samples : callable
        What is right, at `rate_hz`.
    within : float
        How far each sample may be off; away from the ends where the rate changes.
    slack : int
        Samples that the length may be off.
    like : float
        In place of `within`, for lossy coders: the correlation at the best lag, at a level that is at most halved.
    edge : int
        Samples at either end that may be off, since a resampler knows nothing beyond them.
    or_refused : tuple of str
        A refusal that names all this is as good.
    """

    samples: Callable[[], Signal]
    file: str = "a.wav"
    rate_hz: int = RATE_HZ
    within: float = 2**-24
    slack: int = 0
    like: float = 0.0
    edge: int = 0
    least_level: float = 0.5
    or_refused: Names | None = None

    def check(self, folder: Path) -> None:
        path = folder / self.file
        if self.or_refused is not None:
            try:
                inspect(path), AudioFile(path).read(self.rate_hz)
            except UserError:
                RefusesSound(self.file, self.or_refused).check(folder)
                return
        heard, right = AudioFile(path).read(self.rate_hz), self.samples()
        assert heard.dtype == np.float32
        assert heard.ndim == 1
        assert abs(len(heard) - len(right)) <= self.slack
        assert abs(inspect(path).seconds - len(right) / self.rate_hz) <= (self.slack + 1) / self.rate_hz
        if self.like:
            self._compare_shape(heard, right)
        else:
            inner = slice(self.edge, min(len(heard), len(right)) - self.edge)
            assert np.abs(heard[inner] - right[inner]).max() <= self.within

    def _compare_shape(self, heard: np.ndarray, right: Signal) -> None:
        lags = range(round(LAG_SECONDS * self.rate_hz) if self.slack else 1)
        assert max(_correlation(heard[lag:], right) for lag in lags) >= self.like
        assert self.least_level <= heard.std() / right.std() <= 2


@dataclass(frozen=True)
class HeardToTheEnd:
    """What was put together is as long as its parts, or a coder's delay each longer, and ends as the last one does."""

    file: str
    parts: Callable[[], list[Signal]]
    slack: int

    def check(self, folder: Path) -> None:
        heard, parts = AudioFile(folder / self.file).read(RATE_HZ), self.parts()
        length, last = sum(map(len, parts)), parts[-1]
        assert length <= len(heard) <= length + self.slack * len(parts)
        assert inspect(folder / self.file).seconds == len(heard) / RATE_HZ
        firsts = range(len(heard) - len(last) - self.slack, len(heard) - len(last) + 1)
        assert max(_correlation(heard[first:], last) for first in firsts) >= 0.9


def _correlation(one: np.ndarray, other: Signal) -> float:
    length = min(len(one), len(other))
    return float(np.corrcoef(one[:length], other[:length])[0, 1])


@dataclass(frozen=True)
class RefusesSound:
    """The file is refused before or while it is read, with its name and these words."""

    file: str = "a.wav"
    names: Names = ()

    def check(self, folder: Path) -> None:
        path = folder / self.file
        error = refused(lambda: (inspect(path), AudioFile(path).read(RATE_HZ)))
        assert_names(error, [(self.file, *self.names)])


@dataclass(frozen=True)
class HeardAlike:
    """The features of a sound are what they are without the silence around it.

    Parameters
    ----------
    file, alone : str
        The sound with its silence, and alone.
    first : int
        The frame of 10 ms at which the sound begins.
    within : float
        The mean absolute change of a feature of unit variance.
    """

    file: str
    alone: str
    first: int
    within: float = 0.1
    edge: int = 3

    def check(self, folder: Path) -> None:
        extract = LogMel(FeatureSpec(RATE_HZ, 24))
        with_silence, without = (extract(AudioFile(folder / f).read(RATE_HZ)) for f in (self.file, self.alone))
        assert np.isfinite(with_silence).all()
        frames = slice(self.edge, len(without) - self.edge)
        moved = with_silence[self.first :][frames].astype(np.float32) - without[frames].astype(np.float32)
        assert float(np.abs(moved).mean()) < self.within


@dataclass(frozen=True)
class FiniteFeatures:
    """Whatever the file holds, its features are numbers, and none is huge."""

    file: str = "a.wav"

    def check(self, folder: Path) -> None:
        features = LogMel(FeatureSpec(RATE_HZ, 24))(AudioFile(folder / self.file).read(RATE_HZ))
        assert np.isfinite(features).all()
        assert float(np.abs(features.astype(np.float32)).max()) < 100
