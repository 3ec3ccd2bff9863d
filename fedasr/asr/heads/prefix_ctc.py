"""CTC's forward variables of a prefix, which grow by a label at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from fedasr.asr.layers import valid_frames
from fedasr.asr.tokens import BLANK

IMPOSSIBLE = float("-inf")
_FLOOR = -1e4


def log_recurrence(keep_BT: Tensor, enter_BT: Tensor) -> Tensor:
    """Return x with ``x[t] = log(exp(keep[t] + x[t-1]) + exp(enter[t]))``, where x[-1] is impossible.

    One scan instead of a step a frame; in float64, since it subtracts running sums of `keep`. Below
    -10,000 `keep` counts as -10,000.
    """
    total_BT = keep_BT.double().clamp_min(_FLOOR).cumsum(1)
    return (total_BT + (enter_BT.double() - total_BT).logcumsumexp(1)).to(keep_BT.dtype)


def column(log_probs_BTV: Tensor, labels_B: Tensor) -> Tensor:
    """Return each utterance's log-probabilities of one label, shape (batch, frames)."""
    return log_probs_BTV.gather(2, labels_B[:, None, None].expand(-1, log_probs_BTV.shape[1], 1))[:, :, 0]


def sum_over_frames(weights_BT: Tensor, log_probs_BTV: Tensor) -> Tensor:
    """Return ``log Σ_t exp(weights[t] + log_probs[t, v])``, shape (batch, tokens).

    A matrix product, several times faster than a logsumexp. It loses only labels less than about e⁻⁸⁷
    times as probable as the largest weight.
    """
    peak_B1 = weights_BT.amax(1, keepdim=True).nan_to_num(neginf=0.0)
    return ((weights_BT - peak_B1).exp()[:, None] @ log_probs_BTV.exp())[:, 0].log() + peak_B1


@dataclass(frozen=True)
class CTCForward:
    """Probabilities that what the first t frames said is the prefix (Graves 2008, section 7.5.3).

    Attributes
    ----------
    log_probs_BTV : Tensor
        The head's log-probabilities.
    lengths_B : Tensor of int64
        Frames of each utterance.
    last_B : Tensor of int64
        The last label of the prefix; the blank where it is empty.
    voiced_BS, paused_BS : Tensor
        Log-probabilities that frames 0 to t - 1 spell the prefix, the last of them a label or a blank
        (or there is none); t runs from 0 to the number of frames.
    """

    log_probs_BTV: Tensor
    lengths_B: Tensor
    last_B: Tensor
    voiced_BS: Tensor
    paused_BS: Tensor

    def extensions(self) -> Tensor:
        """Return ``log P(prefix and then label …)``, shape (batch, tokens), the blank impossible."""
        valid_BT = valid_frames(self.lengths_B, self.log_probs_BTV.shape[1])
        spelt_BT = self.voiced_BS.logaddexp(self.paused_BS)[:, :-1].masked_fill(~valid_BT, IMPOSSIBLE)
        paused_BT = self.paused_BS[:, :-1].masked_fill(~valid_BT, IMPOSSIBLE)
        repeated_B = (paused_BT + column(self.log_probs_BTV, self.last_B)).logsumexp(1)
        scores_BV = sum_over_frames(spelt_BT, self.log_probs_BTV).scatter(1, self.last_B[:, None], repeated_B[:, None])
        scores_BV[:, BLANK] = IMPOSSIBLE
        return scores_BV

    def ends(self) -> Tensor:
        """Return ``log P(prefix and no more)``, shape (batch,)."""
        return self.voiced_BS.logaddexp(self.paused_BS).gather(1, self.lengths_B[:, None])[:, 0]

    def append(self, labels_B: Tensor) -> CTCForward:
        """Return the forward variables of the prefix and one more label."""
        label_BT, blank_BT = column(self.log_probs_BTV, labels_B), self.log_probs_BTV[:, :, BLANK]
        spelt_BS = self.voiced_BS.logaddexp(self.paused_BS)
        before_BS = torch.where((labels_B == self.last_B)[:, None], self.paused_BS, spelt_BS)
        voiced_BS = _delayed(log_recurrence(label_BT, before_BS[:, :-1] + label_BT))
        paused_BS = _delayed(log_recurrence(blank_BT, voiced_BS[:, :-1] + blank_BT))
        return replace(self, last_B=labels_B, voiced_BS=voiced_BS, paused_BS=paused_BS)

    def select(self, rows_R: Tensor) -> CTCForward:
        """Return the variables of some rows, in the order asked for; a row may come twice."""
        return CTCForward(*(getattr(self, name)[rows_R] for name in self.__dataclass_fields__))


def ctc_forward(log_probs_BTV: Tensor, lengths_B: Tensor) -> CTCForward:
    """Return the forward variables of the empty prefix."""
    paused_BS = functional.pad(log_probs_BTV[:, :, BLANK].cumsum(1), (1, 0))
    return CTCForward(
        log_probs_BTV, lengths_B, torch.full_like(lengths_B, BLANK), torch.full_like(paused_BS, IMPOSSIBLE), paused_BS
    )


def _delayed(values_BT: Tensor) -> Tensor:
    """Put an impossible value before the first frame."""
    return functional.pad(values_BT, (1, 0), value=IMPOSSIBLE)
