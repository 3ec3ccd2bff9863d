"""Another sampling rate."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray


def resample(samples: NDArray[np.float32], from_hz: int, to_hz: int) -> NDArray[np.float32]:
    """Return samples at another rate, or as they are where the rates agree.

    Band-limited by the SoX resampler (``HQ``: 20 bits); the work does not depend on the factors that the rates share.

    Parameters
    ----------
    samples : ndarray of float32, shape (samples,)
    from_hz, to_hz : int

    Returns
    -------
    ndarray of float32, shape (round(samples * to_hz / from_hz),)
    """
    if from_hz == to_hz:
        return np.ascontiguousarray(samples)
    resampled: NDArray[np.float32] = soxr.resample(samples, from_hz, to_hz, quality="HQ")
    return resampled
