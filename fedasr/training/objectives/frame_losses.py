"""What a student loses by what a teacher says of each frame (Parthasarathi & Strom, ICASSP 2019, section 3).

With scores ``log p_S`` over all outputs and a teacher's k kept probabilities ``p_T`` and tail ``t = 1 - Σ p_T``, a
frame loses ``-Σ_kept p_T log p_S``, where the tail is

* left out: as it stands;
* renormalised: ``p_T / Σ p_T`` in the place of ``p_T``;
* a class of its own: ``-t log(1 - Σ_kept p_S)`` more.

With all outputs kept the three are the full cross-entropy.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fedasr.asr.layers import valid_frames
from fedasr.asr.soft_targets import SoftTargets

RENORMALISED, TAIL_CLASS, LEFT_OUT = "renormalised", "class", "left out"


def frame_losses(scores_BTV: Tensor, soft: SoftTargets, tail: str = RENORMALISED) -> Tensor:
    """Return the cross-entropy of each frame, in nats, shape (batch, frames); 0 in the padding.

    Parameters
    ----------
    scores_BTV : Tensor
        The student's log-probabilities.
    soft : SoftTargets
    tail : str
        ``"renormalised"``, ``"class"`` or ``"left out"``: what becomes of the mass that is not kept.
    """
    kept_BTK = scores_BTV.gather(2, soft.tokens_BTK)
    probabilities_BTK = soft.probabilities_BTK
    if tail == RENORMALISED:
        mass_BT1 = probabilities_BTK.sum(2, keepdim=True)
        probabilities_BTK = probabilities_BTK / torch.where(mass_BT1 > 0, mass_BT1, torch.ones_like(mass_BT1))
    losses_BT = -(probabilities_BTK * kept_BTK).sum(2)
    if tail == TAIL_CLASS:
        losses_BT = losses_BT - soft.tail_BT * _log_tail(scores_BTV, soft)
    return losses_BT


def _log_tail(scores_BTV: Tensor, soft: SoftTargets) -> Tensor:
    """Return the student's log-probability of all outputs that are not kept, shape (batch, frames).

    Where all are kept there is no such class: 0, which a tail of 0 is multiplied with.
    """
    is_said_BTK = (soft.probabilities_BTK > 0).to(scores_BTV.dtype)  # the padding of k names token 0 and says nothing
    is_kept_BTV = torch.zeros_like(scores_BTV).scatter_add_(2, soft.tokens_BTK, is_said_BTK) > 0
    nothing_BT = is_kept_BTV.all(2)
    rest_BTV = scores_BTV.masked_fill(is_kept_BTV & ~nothing_BT[..., None], -torch.inf)
    return torch.where(nothing_BT, torch.zeros_like(soft.tail_BT), rest_BTV.logsumexp(2))


def mean_over_frames(losses_BT: Tensor, lengths_B: Tensor) -> Tensor:
    """Return the mean of each utterance's frames, shape (batch,)."""
    valid_BT = valid_frames(lengths_B, losses_BT.shape[1])
    return (losses_BT * valid_BT).sum(1) / lengths_B.clamp_min(1)


def shifted(soft: SoftTargets, frames: int) -> SoftTargets:
    """Return targets that come so many frames later; the first ones are repeated, the last ones fall off.

    A student that hears no future says what its teacher says some frames after it.
    """
    place_T = (torch.arange(soft.tail_BT.shape[1], device=soft.tail_BT.device) - frames).clamp_min(0)
    return SoftTargets(soft.tokens_BTK[:, place_T], soft.probabilities_BTK[:, place_T], soft.tail_BT[:, place_T])


def least_over_shifts(
    scores_BTV: Tensor, soft: SoftTargets, lengths_B: Tensor, most_frames: int, tail: str = RENORMALISED
) -> Tensor:  # fmt: skip
    """Return the loss of each utterance at the delay that suits it best, from none to so many frames, shape (batch,).

    Peaks of CTC do not line up between a bidirectional teacher and a unidirectional student (Kurata & Audhkhasi,
    1904.08311): one delay an utterance is free.
    """
    delays = (frame_losses(scores_BTV, shifted(soft, d), tail) for d in range(most_frames + 1))
    return torch.stack([mean_over_frames(losses_BT, lengths_B) for losses_BT in delays]).amin(0)
