"""Another sampling rate."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torchaudio.transforms import Resample


def resample(samples: NDArray[np.float32], from_hz: int, to_hz: int) -> NDArray[np.float32]:
    """Return samples at another rate (windowed sinc), or as they are where the rates agree."""
    if from_hz == to_hz:
        return np.ascontiguousarray(samples)
    with torch.inference_mode():
        resampled: NDArray[np.float32] = _resampler(from_hz, to_hz)(torch.from_numpy(samples.copy())).numpy()
    return resampled


@lru_cache(maxsize=16)
def _resampler(from_hz: int, to_hz: int) -> Any:
    return Resample(from_hz, to_hz)
