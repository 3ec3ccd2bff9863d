"""An alignment: the phone of each frame of some speech."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SILENT = ""
"""The name of silence."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """The phone of each frame of 10 ms.

    Parameters
    ----------
    phones : tuple of str
        Names; a phone is called by its place. `SILENT` is one of them.
    numbers_T : ndarray of uint16, shape (frames,)
    """

    phones: tuple[str, ...]
    numbers_T: NDArray[np.uint16]

    def part(self, start: int, stop: int) -> Alignment:
        """Return some frames of it."""
        return Alignment(self.phones, self.numbers_T[start:stop])

    def at(self, places_T: NDArray[np.floating]) -> NDArray[np.uint16]:
        """Return the phones at places among the frames, the nearest frame's each, shape of the places."""
        nearest = np.clip(np.rint(places_T).astype(np.int64), 0, len(self.numbers_T) - 1)
        phones_T: NDArray[np.uint16] = self.numbers_T[nearest]
        return phones_T


def labelled(starts: Sequence[tuple[str, float]], frames: int, frames_a_second: float) -> list[str]:
    """Return the phone that sounds at each frame.

    Parameters
    ----------
    starts : sequence of (str, float)
        Phones and the second at which each starts, in time; before the first there is silence.
    frames : int
    frames_a_second : float
        Frame t stands at second t / ``frames_a_second``.
    """
    seconds = np.array([start for _, start in starts], np.float64)
    places = np.searchsorted(seconds, np.arange(frames) / frames_a_second, side="right")
    names = [SILENT, *(name for name, _ in starts)]
    return [names[place] for place in places.tolist()]
