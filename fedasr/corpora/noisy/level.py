"""How loud speech is, its pauses left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PAUSE_DB = 30.0
"""So far below the loudest 10 ms of a recording, and further, nobody speaks."""


def speech_level(samples: NDArray[np.float64], sample_rate_hz: int) -> float:
    """Return the root mean square of the 10 ms frames in which somebody speaks; 0 of digital silence.

    A plain form of the active speech level of ITU-T P.56: silence before, after and between the words makes speech no
    quieter, so that a signal-to-noise ratio is that of the speech itself.

    Parameters
    ----------
    samples : ndarray, shape (samples,)
    sample_rate_hz : int
    """
    frame = max(1, sample_rate_hz // 100)
    whole = samples if len(samples) < frame else samples[: len(samples) // frame * frame]
    energy_T = np.mean(whole.reshape(-1, min(frame, max(1, len(whole)))) ** 2, axis=1)
    if not energy_T.any():
        return 0.0
    return float(np.sqrt(energy_T[energy_T >= energy_T.max() * 10 ** (-PAUSE_DB / 10)].mean()))
