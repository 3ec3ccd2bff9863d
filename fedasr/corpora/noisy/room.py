"""A room in few words: direct sound, and a tail of noise that decays exponentially."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

NEAR_DB, FAR_DB = 0.0, -10.0
"""Direct sound over all that the room adds: of who speaks at the critical distance, and of others well beyond it."""


def impulse_response(
    reverberation_seconds: float, direct_db: float, sample_rate_hz: int, generator: np.random.Generator
) -> Samples:
    """Return the impulse response of a room, shape (reverberation_seconds * sample_rate_hz + 1,).

    The direct sound is its first sample and 1: nothing is delayed. The reverberation is Gaussian noise under an
    exponential envelope that falls by 60 dB in the reverberation time, the statistical model of a diffuse field (Moorer
    1979, "About this reverberation business"; Polack 1988): no walls, no single early echoes, no colour.

    Parameters
    ----------
    reverberation_seconds : float
        RT60, above 0.
    direct_db : float
        Energy of the direct sound over that of the reverberation.
    sample_rate_hz : int
    generator : numpy.random.Generator
        Draws where in the room somebody speaks.
    """
    count = max(1, round(reverberation_seconds * sample_rate_hz))
    seconds_T = np.arange(1, count + 1) / sample_rate_hz
    tail = generator.standard_normal(count) * 10 ** (-3 * seconds_T / reverberation_seconds)
    return np.concatenate(([1.0], tail * 10 ** (-direct_db / 20) / np.sqrt(np.sum(tail**2))))


def in_room(
    samples: Samples, reverberation_seconds: float, direct_db: float, sample_rate_hz: int,
    generator: np.random.Generator,
) -> Samples:  # fmt: skip
    """Return sound as it is heard in a room, cut where it ends itself; as it is where the room does not sound on."""
    if reverberation_seconds == 0 or not len(samples):
        return samples
    from scipy.signal import fftconvolve  # a second, which processes that render nothing do without

    response = impulse_response(reverberation_seconds, direct_db, sample_rate_hz, generator)
    heard: Samples = fftconvolve(samples, response)[: len(samples)]
    return heard
