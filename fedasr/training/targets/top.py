"""The best outputs of each frame, halved for the disk, and the soft targets that come back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedasr.asr.soft_targets import FrameTargets
from fedasr.common.errors import RowError, UserError
from fedasr.training.targets.binding import MOST_OUTPUTS

_INDEX_BITS = 16
_AT_ONCE = 1 << 20
"""Scores that are looked at together: several copies of them, of 8 bytes each, are in memory."""


@dataclass(frozen=True, eq=False)
class TopTargets:
    """The best outputs of each frame of an utterance, as they are stored.

    Attributes
    ----------
    log_probabilities_TK : array of float16
        Natural logarithms, the best first.
    indices_TK : array of uint16
        Which outputs these are.
    log_tail_T : array of float16
        Natural logarithm of the mass of all other outputs together; minus infinity where there is none.
    """

    log_probabilities_TK: NDArray[np.float16]
    indices_TK: NDArray[np.uint16]
    log_tail_T: NDArray[np.float16]


def top_targets(scores_TV: Tensor | NDArray[np.floating[Any]], k: int) -> TopTargets:
    """Return the k best outputs of each frame in half precision.

    Of a logarithm x float16 keeps x(1 + δ), abs(δ) ≤ u = 2⁻¹¹, where abs(x) ≥ 2⁻¹⁴; else it errs by 2⁻²⁵ at most. Let
    p be a frame's kept outputs and its tail, p̃ what `expanded` gives back, and ε = e^(2⁻²⁵) Σ p^(1−u) − 1. Before they
    are renormalised the p_i move by ε at most, all together; so does their sum; so Σ abs(p̃ − p) ≤ 2ε; and as these
    differences add up to 0, for any q

        abs(cross-entropy(p̃, q) − cross-entropy(p, q)) ≤ ε (max log q − min log q).

    To first order ε is u times the entropy of p in nats. For any p of V outputs 1 + ε ≤ e^(2⁻²⁵) V^u: at 3,000 outputs
    ε ≤ 0.0040.

    Parameters
    ----------
    scores_TV : Tensor or array
        Logits or log-probabilities; minus infinity is an output that cannot be.
    k : int
        How many outputs to keep; more than there are keeps all.

    Raises
    ------
    RowError
        Where a frame's scores are not numbers.
    UserError
        Where there are more than 65,535 outputs.
    """
    log_kept_TK, indices_TK, log_tail_T = _selected(scores_TV, k)
    with np.errstate(
        over="ignore"
    ):  # below -65,504 a logarithm becomes minus infinity, and its probability is 0 anyhow
        return TopTargets(log_kept_TK.astype(np.float16), indices_TK.astype(np.uint16), log_tail_T.astype(np.float16))


def frame_targets(scores_TV: Tensor | NDArray[np.floating[Any]], k: int) -> FrameTargets:
    """Return the soft targets of the k best outputs without a way through half precision.

    Parameters and errors are those of `top_targets`.
    """
    log_kept_TK, indices_TK, log_tail_T = _selected(scores_TV, k)
    return indices_TK, np.exp(log_kept_TK).astype(np.float32), np.exp(log_tail_T).astype(np.float32)


def expanded(top: TopTargets) -> FrameTargets:
    """Return soft targets of what was stored: probabilities and tail in float32, which add up to 1 in each frame."""
    return top.indices_TK.astype(np.int64), *masses(top.log_probabilities_TK, top.log_tail_T)


def masses(
    log_probabilities_K: NDArray[np.float16], log_tail: NDArray[np.float16]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return probabilities, shape (…, k), and tails, shape (…), that add up to 1; a frame of nothing stays 0."""
    probabilities_K, tail = log_probabilities_K.astype(np.float32), log_tail.astype(np.float32)
    np.exp(probabilities_K, out=probabilities_K)
    np.exp(tail, out=tail)
    total = probabilities_K.sum(-1) + tail
    total[total == 0] = 1
    probabilities_K /= total[..., None]
    tail /= total
    return probabilities_K, tail


def _selected(
    scores_TV: Tensor | NDArray[np.floating[Any]], k: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Return log-probabilities and indices of the k best, and the log of the mass of those that are not kept."""
    scores_TV = torch.as_tensor(scores_TV).detach().float()
    outputs = scores_TV.shape[1]
    if outputs > MOST_OUTPUTS:
        raise UserError(f"{outputs:,} outputs: stored targets number {MOST_OUTPUTS:,} at most")
    parts = [
        _selected_part(part_TV, min(k, outputs)) for part_TV in torch.split(scores_TV, max(1, _AT_ONCE // outputs))
    ]
    log_kept_TK, indices_TK, log_tail_T = (torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True))
    return log_kept_TK, indices_TK, log_tail_T


def _selected_part(scores_TV: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
    log_TV = scores_TV.double().log_softmax(1)
    if log_TV.isnan().any():
        raise RowError("the teacher's scores of a frame are not numbers: no targets can be made of them")
    indices_TK = _best(scores_TV, k)
    return log_TV.gather(1, indices_TK), indices_TK, log_TV.scatter(1, indices_TK, -torch.inf).logsumexp(1)


def _best(scores_TV: Tensor, k: int) -> Tensor:
    """Return the indices of the k best scores, the best first; of equal ones the first index first.

    Scores in float32 and their indices make one integer each, all different, so that no sort has a tie to break.
    """
    last = (1 << _INDEX_BITS) - 1
    keys_TV = (scores_TV + 0.0).view(torch.int32).long()  # + 0.0: of minus zero it makes zero
    keys_TV ^= (keys_TV >> 63) & 0x7FFFFFFF  # the bits of negative numbers grow as these fall
    keys_TV <<= _INDEX_BITS
    keys_TV |= last - torch.arange(scores_TV.shape[1], device=scores_TV.device)
    return last - (keys_TV.topk(k, dim=1).values & last)
