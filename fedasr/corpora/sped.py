"""Speed perturbation: utterances as they sound when their waveform is played faster or slower."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fedasr.corpora.noted import hear
from fedasr.corpora.utterance import AudioSource, Utterance


@dataclass(frozen=True)
class SpedAudio:
    """A recording played at another speed, pitch and all (Ko et al., Interspeech 2015).

    Parameters
    ----------
    source : AudioSource
        It says itself what was done to its audio; nothing is said twice.
    speed : float
        Above 1 is faster, shorter and higher.
    """

    source: AudioSource
    speed: float

    def read(self, sample_rate_hz: int) -> NDArray[np.float32]:
        """Return mono samples at the given rate, shape (samples at speed 1 / speed,).

        The source is read at 1 / speed times the rate, to the nearest hertz, and its samples are taken for some at the
        rate itself: one resampling, whatever rate the source is stored at.
        """
        return hear(self.source, round(sample_rate_hz / self.speed)).samples

    def fingerprint(self) -> str:
        """Return a hash of the source's fingerprint and the speed."""
        return sped_fingerprint(self.source.fingerprint(), self.speed)


def sped_fingerprint(fingerprint: str, speed: float) -> str:
    """Return the fingerprint of audio at another speed from that of its source."""
    return hashlib.sha256(f"sped-1 {fingerprint} {speed}".encode()).hexdigest()


def sped_copies(utterances: Iterable[Utterance], speeds: Iterable[float]) -> list[Utterance]:
    """Return each utterance at each speed but 1, under its own id."""
    others = [speed for speed in speeds if speed != 1]
    return [replace(u, audio=SpedAudio(u.audio, speed)) for speed in others for u in utterances]
