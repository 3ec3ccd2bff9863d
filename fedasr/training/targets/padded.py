"""A batch of stored targets, expanded all at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from fedasr.asr.soft_targets import SoftTargets
from fedasr.training.targets.top import TopTargets, masses


def padded(tops: Sequence[TopTargets], kept: int) -> SoftTargets:
    """Return the soft targets of some utterances, as `expanded` has them, padded with zeros to the longest.

    Parameters
    ----------
    tops : sequence of TopTargets
    kept : int
        Outputs of each frame, the same in all.
    """
    shape = (len(tops), max((len(top.log_tail_T) for top in tops), default=0))
    indices_BTK = np.zeros((*shape, kept), np.uint16)
    log_BTK = np.full((*shape, kept), -np.inf, np.float16)  # of minus infinity the mass is 0
    log_tail_BT = np.full(shape, -np.inf, np.float16)
    for row, top in enumerate(tops):
        frames = len(top.log_tail_T)
        indices_BTK[row, :frames], log_BTK[row, :frames] = top.indices_TK, top.log_probabilities_TK
        log_tail_BT[row, :frames] = top.log_tail_T
    probabilities_BTK, tail_BT = masses(log_BTK, log_tail_BT)
    tokens_BTK = torch.from_numpy(indices_BTK.astype(np.int64))
    return SoftTargets(tokens_BTK, torch.from_numpy(probabilities_BTK), torch.from_numpy(tail_BT))
