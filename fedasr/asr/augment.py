"""Augmentation: the speed of the waveform; of log-mel features tempo, vocal tract length, SpecAugment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedasr.common.settings import Mistake, Settings, least, number

Features = NDArray[np.floating]


@dataclass(frozen=True)
class AugmentSpec(Settings):
    """How strongly training speech is varied; zero switches a part off.

    Parameters
    ----------
    tempo : float
        Speech is slowed or sped up by a factor in ``[1 - tempo, 1 + tempo]``.
    vocal_tract : float
        The frequency axis is stretched by a factor in ``[1 - vocal_tract, 1 + vocal_tract]``
        (vocal tract length perturbation, Jaitly & Hinton 2013).
    frequency_masks : int
        SpecAugment (Park et al. 2019): masks along frequency.
    frequency_mask_bands : int
        SpecAugment: the widest of them, in mel bands.
    time_masks : int
        SpecAugment: masks along time.
    time_mask_fraction : float
        SpecAugment: the widest time mask, as a fraction of the utterance.
    speeds : tuple of float
        Speed perturbation (Ko et al. 2015): each time an utterance is heard, its waveform is played at one of these
        speeds, pitch and all, each as likely; then follows all else. Empty switches it off; ``[0.9, 1.0, 1.1]`` is
        usual, and keeps two more copies of the features that are trained on.
    """

    tempo: float = number(0.15, least=0.0, most=0.9)
    vocal_tract: float = number(0.1, least=0.0, most=0.5)
    frequency_masks: int = least(2, 0)
    frequency_mask_bands: int = least(12, 0)
    time_masks: int = least(2, 0)
    time_mask_fraction: float = number(0.08, least=0.0, most=1.0)
    speeds: tuple[float, ...] = number((), least=0.5, most=2.0)

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse a speed that is there twice."""
        if len(set(self.speeds)) != len(self.speeds):
            yield Mistake("{0} names a speed twice; name each once", ("speeds",))

    def speed(self, generator: np.random.Generator) -> float:
        """Draw the speed at which an utterance is heard; nothing is drawn where there are none to draw from."""
        return self.speeds[generator.integers(len(self.speeds))] if self.speeds else 1.0

    def __call__(self, features_TF: Features, generator: np.random.Generator) -> NDArray[np.float32]:
        """Return an augmented copy of the features, shape (other frames, mels)."""
        return self.timed(features_TF, generator)[0]

    def timed(
        self, features_TF: Features, generator: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Return an augmented copy of the features, and the time map: which frame of theirs each of its frames is.

        Returns
        -------
        ndarray of float32, shape (other frames, mels)
        ndarray of float64, shape (other frames,)
            Places among the given frames, whole ones where nothing stretches time: what is said of frames, such as an
            alignment, is read there.
        """
        frames, bands = features_TF.shape
        places_T = np.arange(frames, dtype=np.float64)
        tempo = 1 + generator.uniform(-self.tempo, self.tempo)
        warp = 1 + generator.uniform(-self.vocal_tract, self.vocal_tract)
        varied = np.asarray(features_TF, np.float32)
        if tempo != 1:
            places_T = np.clip(np.arange(max(1, int(frames / tempo)), dtype=np.float64) * tempo, 0, frames - 1)
            varied = _resample(varied, places_T)
        if warp != 1:
            varied = _resample(varied.T, _warped(bands, warp)).T
        return self._masked(np.array(varied), generator), places_T

    def _masked(self, features_TF: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
        frames, bands = features_TF.shape
        for _ in range(self.frequency_masks):
            width = int(generator.integers(0, self.frequency_mask_bands + 1))
            start = int(generator.integers(0, max(1, bands - width + 1)))
            features_TF[:, start : start + width] = 0
        for _ in range(self.time_masks):
            width = int(generator.integers(0, int(frames * self.time_mask_fraction) + 1))
            start = int(generator.integers(0, max(1, frames - width + 1)))
            features_TF[start : start + width] = 0
        return features_TF


NO_AUGMENTATION = AugmentSpec(0.0, 0.0, 0, 0, 0, 0.0)


def _warped(bands: int, factor: float) -> NDArray[np.float64]:
    """Band positions stretched by a factor up to four fifths of the axis, then back to its end."""
    knee = 0.8 * bands / max(factor, 1.0)
    position = np.arange(bands, dtype=np.float64)
    beyond = knee * factor + (position - knee) * (bands - 1 - knee * factor) / (bands - 1 - knee)
    return np.where(position < knee, position * factor, beyond)


def _resample(rows: NDArray[np.float32], positions: NDArray[np.float64]) -> NDArray[np.float32]:
    """Interpolate linearly between the rows at fractional positions."""
    positions = np.clip(positions, 0, len(rows) - 1)
    lower = np.minimum(positions.astype(np.int64), max(len(rows) - 2, 0))
    upper = np.minimum(lower + 1, len(rows) - 1)
    share = (positions - lower).astype(np.float32)[:, None]
    between: NDArray[np.float32] = rows[lower] * (1 - share) + rows[upper] * share
    return between
