"""The labels of an utterance's frames, as the targets of a head that learns from alignments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.tokens import Tokens
from fedasr.corpora.alignment import Alignment


def frame_labels(alignment: Alignment, tokens: Tokens, places_T: NDArray[np.floating], stacked: int) -> list[int]:
    """Return the token number of each stack of frames: the phone of its middle frame.

    Parameters
    ----------
    alignment : Alignment
    tokens : Tokens
    places_T : ndarray, shape (frames,)
        Where among the frames of the alignment each frame of the features stands
        (`fedasr.asr.augment.AugmentSpec.timed`).
    stacked : int
        Frames of 10 ms to a stack.
    """
    middles = np.minimum(np.arange(0, len(places_T), stacked) + stacked // 2, len(places_T) - 1)
    numbers = np.array(tokens.numbered(alignment.phones), np.int64)
    labels: list[int] = numbers[alignment.at(places_T[middles])].tolist()
    return labels
