"""Soft targets: what a teacher says of each frame, cut to its most probable tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedasr.asr.features import stacked_length

FrameTargets = tuple[NDArray[np.integer], NDArray[np.floating], NDArray[np.floating]]
"""Of one utterance: tokens and their probabilities, each of shape (frames, k), and the tail, of shape (frames,)."""
NOBODY_SAYS: FrameTargets = (np.zeros((0, 1), np.int64), np.zeros((0, 1), np.float32), np.zeros(0, np.float32))
"""Of an utterance that no teacher heard, in a batch with others: everything is 0."""


@dataclass(frozen=True)
class SoftTargets:
    """The k most probable tokens of each frame, and the mass of all others; a frame is a stack of features.

    Attributes
    ----------
    tokens_BTK : Tensor of int64
    probabilities_BTK : Tensor of float32
    tail_BT : Tensor of float32
        The probability of all other tokens together. With those of the k tokens it adds up to 1; in the padding
        everything is 0, so that a cross-entropy of it is 0 too.
    """

    tokens_BTK: Tensor
    probabilities_BTK: Tensor
    tail_BT: Tensor

    def to(self, device: torch.device) -> SoftTargets:
        """Return the targets on a device."""
        return SoftTargets(*(part.to(device) for part in self._parts))

    def trimmed(self, start: int, stop: int, frames: int) -> SoftTargets:
        """Return the first frames of some utterances."""
        return SoftTargets(*(part[start:stop, :frames] for part in self._parts))

    @property
    def _parts(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.tokens_BTK, self.probabilities_BTK, self.tail_BT


def moved(targets: FrameTargets, positions_T: NDArray[np.floating], stacked: int) -> FrameTargets:
    """Return targets as augmentation moved the speech: each frame keeps what was said of its moment.

    Parameters
    ----------
    targets : FrameTargets
        Of the utterance as it was, a frame for each stack.
    positions_T : ndarray of float, shape (frames of 10 ms,)
        Where in the utterance as it was each frame of 10 ms lies now, in frames of 10 ms.
    stacked : int
        Frames of 10 ms to a stack.
    """
    last = len(positions_T) - 1
    middles = np.minimum(np.arange(stacked_length(len(positions_T), stacked)) * stacked + (stacked - 1) / 2, last)
    moments = np.interp(middles, np.arange(last + 1), positions_T)
    places = np.clip(((moments + 0.5) / stacked).astype(np.int64), 0, len(targets[0]) - 1)
    tokens_TK, probabilities_TK, tail_T = targets
    return tokens_TK[places], probabilities_TK[places], tail_T[places]


def stacked_targets(targets: Sequence[FrameTargets], frames: int) -> SoftTargets:
    """Return the targets of some utterances, padded at the end to so many frames.

    Raises
    ------
    ValueError
        Where an utterance has more frames, or parts of unlike shape.
    """
    shape = (len(targets), frames, max(tokens.shape[1] for tokens, _, _ in targets))
    tokens_BTK, probabilities_BTK = np.zeros(shape, np.int64), np.zeros(shape, np.float32)
    tail_BT = np.zeros(shape[:2], np.float32)
    for row, (tokens_TK, probabilities_TK, tail_T) in enumerate(targets):
        if tokens_TK.shape != probabilities_TK.shape or len(tail_T) != len(tokens_TK) or len(tail_T) > frames:
            raise ValueError(f"soft targets of utterance {row} do not fit its {frames} frames, or each other")
        length, k = tokens_TK.shape
        tokens_BTK[row, :length, :k], probabilities_BTK[row, :length, :k] = tokens_TK, probabilities_TK
        tail_BT[row, :length] = tail_T
    return SoftTargets(torch.from_numpy(tokens_BTK), torch.from_numpy(probabilities_BTK), torch.from_numpy(tail_BT))
