"""One channel from several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mono(samples_TC: NDArray[np.float32]) -> tuple[NDArray[np.float32], bool]:
    """Return the mean of the channels, or the loudest where they cancel, and whether they do.

    Channels cancel where the mean has less than half the level of the loudest: a balanced line recorded as
    stereo, a broken cable. Levels are deviations, so that no constant hides what is lost.

    Parameters
    ----------
    samples_TC : ndarray of float32, shape (samples, channels)

    Returns
    -------
    ndarray of float32, shape (samples,)
    bool
    """
    if samples_TC.shape[1] == 1:
        return samples_TC[:, 0], False
    mixed = samples_TC.mean(axis=1, dtype=np.float32)
    levels_C = samples_TC.std(axis=0, dtype=np.float64)
    if mixed.std(dtype=np.float64) < levels_C.max() / 2:
        return np.ascontiguousarray(samples_TC[:, levels_C.argmax()]), True
    return mixed, False
