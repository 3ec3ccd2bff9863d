"""Log-mel features: a frame every 10 ms, and their stacking, by which a recogniser reads fewer frames."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedasr.asr.mel import MelSpectrogram, mel_bands
from fedasr.asr.silence import DigitalSilence, digital_silence

FRAMES_A_SECOND = 100
"""Frames of features: one every 10 ms."""


def frames_to_seconds(frames: float) -> float:
    """Return how long so many frames of 10 ms are."""
    return frames / FRAMES_A_SECOND


@dataclass(frozen=True)
class FeatureSpec:
    """What the log-mel features are.

    Parameters
    ----------
    sample_rate_hz : int
        The rate audio is resampled to.
    mels : int
        Mel bands of each 10 ms frame (25 ms window).
    """

    sample_rate_hz: int = 16_000
    mels: int = 64

    @property
    def is_carried(self) -> bool:
        """Whether the rate carries so many bands: none of them lies between two frequencies of the transform."""
        return _is_carried(self.sample_rate_hz, self.mels)

    @property
    def digest(self) -> str:
        """A name for these features in caches: the same digest, the same numbers."""
        return hashlib.sha256(f"log-mel-3 {asdict(self)}".encode()).hexdigest()[:16]


def _fft(sample_rate_hz: int) -> int:
    """Return how many samples a transform takes."""
    return 512 if sample_rate_hz <= 16_000 else 2048


@cache
def _is_carried(sample_rate_hz: int, mels: int) -> bool:
    return bool((mel_bands(sample_rate_hz, _fft(sample_rate_hz) // 2 + 1, mels).sum(0) > 0).all())


class LogMel:
    """Computes log-mel features, each band normalised to zero mean and unit variance over the utterance.

    Normalising by the utterance makes the recogniser deaf to levels and channels, and lets no
    statistic of one silo's speech reach another's. Frames that see digital silence (padding, cuts, gates) are
    left out of mean and variance, and are no lower in any band than the lowest frame of the recording.
    """

    def __init__(self, spec: FeatureSpec) -> None:
        self.spec = spec
        rate, fft = spec.sample_rate_hz, _fft(spec.sample_rate_hz)
        self._mel = MelSpectrogram(rate, fft, rate // 40, rate // FRAMES_A_SECOND, spec.mels)

    def __call__(self, samples: NDArray[np.float32]) -> NDArray[np.float16]:
        """Return the features of one utterance.

        Parameters
        ----------
        samples : ndarray of float32, shape (samples,)
            Mono audio at ``spec.sample_rate_hz``.

        Returns
        -------
        ndarray of float16, shape (frames, mels)
            One frame every 10 ms; zeros where the whole utterance is digital silence.
        """
        rate, frames = self.spec.sample_rate_hz, len(samples) // self._mel.hop + 1
        shortest = self._mel.fft // 2 + 1  # what can be reflected at both ends
        padded = np.pad(samples, (0, max(0, shortest - len(samples))))
        silence = digital_silence(padded, rate, rate // 40, self._mel.hop)
        with torch.inference_mode():
            log_TF = torch.log(self._mel(torch.from_numpy(padded)) + 1e-8).T
            normal_TF: NDArray[np.float16] = _normalised(log_TF, silence)[:frames].half().numpy()
        return np.ascontiguousarray(normal_TF)


def _normalised(log_TF: Tensor, silence: DigitalSilence) -> Tensor:
    recorded_T = _recorded(silence)
    if not recorded_T.any():
        return torch.zeros_like(log_TF)
    recorded_TF = log_TF if recorded_T.all() else log_TF[torch.from_numpy(recorded_T)]
    deviation_F = recorded_TF.std(0, unbiased=False).clamp_min(1e-2)
    normal_TF = (log_TF - recorded_TF.mean(0)) / deviation_F
    return normal_TF.clamp_min((recorded_TF.amin(0) - recorded_TF.mean(0)) / deviation_F)


def _recorded(silence: DigitalSilence) -> NDArray[np.bool_]:
    """Return the frames to normalise by, shape (frames,).

    Those are the frames that see no silence. Where most that see sound see silence beside it (clicks, a gate that
    chatters), too few are left to tell a deviation, and all that see sound count.
    """
    clean_T, sounding_T = ~silence.some_T, ~silence.all_T
    return clean_T if 2 * clean_T.sum() >= sounding_T.sum() else sounding_T


FRAMES_STACKED = 3
"""Frames of a stack where a recogniser does not ask for others (`fedasr.asr.subsampling`)."""


def stacked_length(frames: int, stacked: int = FRAMES_STACKED) -> int:
    """Return how many stacks so many frames of 10 ms make: every encoding of an utterance is of one of them."""
    return -(-frames // stacked)


def stack_frames(features_TF: NDArray[np.floating], stacked: int = FRAMES_STACKED) -> NDArray[np.float32]:
    """Stack 10 ms frames, by default three to one of 30 ms; a last partial stack is filled with zeros (the mean).

    Parameters
    ----------
    features_TF : ndarray, shape (frames, mels)
    stacked : int
        Frames of a stack.

    Returns
    -------
    ndarray of float32, shape (ceil(frames / stacked), stacked * mels)
    """
    frames, mels = features_TF.shape
    stacks = stacked_length(frames, stacked)
    padded = np.zeros((stacks * stacked, mels), np.float32)
    padded[:frames] = features_TF
    return padded.reshape(stacks, stacked * mels)
