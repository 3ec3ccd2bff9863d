"""Digital silence: stretches of samples that are no recording, but zeros of an editor, a coder or a gate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEADY_STEP = 2.0**-20
"""Neighbouring samples that differ by less are the same (full scale is 1). A step of 16 bits is 2**-15; what
resamplers and MP3 leave of zeros is below 2**-20. Any constant is silence: A-law has no zero."""

SHORTEST_RUN_SECONDS = 0.005
"""Fewer equal samples are no silence: at the edge of a Hann window of 25 ms they take 1.4% of its energy."""


@dataclass(frozen=True)
class DigitalSilence:
    """Which frames see digital silence.

    Parameters
    ----------
    some_T, all_T : ndarray of bool, shape (frames,)
        Whether the frame sees a run of it, and nothing but it.
    """

    some_T: NDArray[np.bool_]
    all_T: NDArray[np.bool_]


def digital_silence(samples: NDArray[np.float32], sample_rate_hz: int, window: int, hop: int) -> DigitalSilence:
    """Find the frames that see digital silence.

    Parameters
    ----------
    samples : ndarray of float32, shape (samples,)
        More than half a window; the ends are reflected.
    sample_rate_hz : int
    window, hop : int
        Samples that a frame sees, and from a frame to the next.
    """
    seen = np.pad(samples, window // 2, mode="reflect")
    starts = hop * np.arange(len(samples) // hop + 1)
    steady = _counts(np.abs(np.diff(seen)) < STEADY_STEP)
    run = round(SHORTEST_RUN_SECONDS * sample_rate_hz) - 1
    runs = _counts(steady[run:] - steady[:-run] == run)
    some_T = runs[starts + window - run] > runs[starts]
    all_T = steady[starts + window - 1] - steady[starts] == window - 1
    return DigitalSilence(some_T, all_T)


def _counts(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many flags are set before each place, and after the last."""
    return np.concatenate([[0], np.cumsum(flags)])
