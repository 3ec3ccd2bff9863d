"""Prefixes of one utterance that are followed side by side: what a search needs to know of the sound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from fedasr.asr.heads.prefix_ctc import IMPOSSIBLE, log_recurrence
from fedasr.asr.heads.prefix_transducer import Predicting
from fedasr.asr.tokens import BLANK


class Beam(Protocol):
    """The forward variables of some prefixes of one utterance, in float64 on the CPU; immutable.

    Axes: K prefixes, T frames, S = T + 1 borders between frames, V tokens.
    """

    def extensions(self) -> Tensor:
        """Return ``log P(prefix and then label …)``, shape (prefixes, tokens); the blank's column says nothing."""

    def ends(self) -> Tensor:
        """Return ``log P(prefix and no more)``, shape (prefixes,)."""

    def grown(self, parents_R: Tensor, labels_R: Tensor) -> Beam:
        """Return the variables of longer prefixes: for each the place of its parent, and its last label."""


@dataclass(frozen=True)
class CTCBeam:
    """CTC's variables, as `fedasr.asr.heads.prefix_ctc.CTCForward` has them; all prefixes share the frames.

    Attributes
    ----------
    log_probs_TV, probs_TV : Tensor of float64
        The head's log-probabilities, and their exponentials.
    last_K : Tensor of int64
        The last label of each prefix; the blank where it is empty.
    voiced_KS, paused_KS : Tensor of float64
    """

    log_probs_TV: Tensor
    probs_TV: Tensor
    last_K: Tensor
    voiced_KS: Tensor
    paused_KS: Tensor

    def extensions(self) -> Tensor:
        spelt_KV = _sums(self.voiced_KS.logaddexp(self.paused_KS)[:, :-1], self.probs_TV)
        repeated_K = (self.paused_KS[:, :-1] + self.log_probs_TV.T[self.last_K]).logsumexp(1)
        return spelt_KV.scatter(1, self.last_K[:, None], repeated_K[:, None])

    def ends(self) -> Tensor:
        return self.voiced_KS[:, -1].logaddexp(self.paused_KS[:, -1])

    def grown(self, parents_R: Tensor, labels_R: Tensor) -> CTCBeam:
        label_RT, blank_RT = self.log_probs_TV.T[labels_R], self.log_probs_TV.T[BLANK][None]
        voiced_RS, paused_RS = self.voiced_KS[parents_R], self.paused_KS[parents_R]
        is_repeat_R1 = (labels_R == self.last_K[parents_R])[:, None]
        before_RS = torch.where(is_repeat_R1, paused_RS, voiced_RS.logaddexp(paused_RS))
        voiced_RS = _delayed(log_recurrence(label_RT, before_RS[:, :-1] + label_RT))
        paused_RS = _delayed(log_recurrence(blank_RT, voiced_RS[:, :-1] + blank_RT))
        return replace(self, last_K=labels_R, voiced_KS=voiced_RS, paused_KS=paused_RS)


def ctc_beam(log_probs_TV: Tensor) -> CTCBeam:
    """Return the variables of the empty prefix alone, given the log-probabilities of an utterance's frames."""
    log_probs_TV = log_probs_TV.double().cpu()
    paused_1S = functional.pad(log_probs_TV[:, BLANK].cumsum(0), (1, 0))[None]
    return CTCBeam(
        log_probs_TV, log_probs_TV.exp(), torch.tensor([BLANK]), torch.full_like(paused_1S, IMPOSSIBLE), paused_1S
    )  # fmt: skip


@dataclass(frozen=True)
class TransducerBeam:
    """The transducer's variables, as `fedasr.asr.heads.prefix_transducer.TransducerForward` has them.

    Attributes
    ----------
    head : Predicting
    projected_1TF : Tensor
        The encodings as the joiner adds them.
    log_probs_KTV, probs_KTV : Tensor of float32
        Log-probabilities of the next token in each frame, once the prefix is said, and their exponentials.
    reached_KS : Tensor of float64
        Log-probabilities of having said the prefix on reaching a frame, or the end.
    state : tuple of Tensor
        The prediction network's, each of shape (1, prefixes, units).
    """

    head: Predicting
    projected_1TF: Tensor
    log_probs_KTV: Tensor
    probs_KTV: Tensor
    reached_KS: Tensor
    state: tuple[Tensor, Tensor]

    def extensions(self) -> Tensor:
        peak_K1 = _peak(self.reached_KS[:, :-1])
        weights_K1T = (self.reached_KS[:, :-1] - peak_K1).exp()[:, None]
        return (weights_K1T @ self.probs_KTV.double())[:, 0].log() + peak_K1

    def ends(self) -> Tensor:
        return self.reached_KS[:, -1]

    def grown(self, parents_R: Tensor, labels_R: Tensor) -> TransducerBeam:
        said_RT = self.reached_KS[parents_R, :-1] + self.log_probs_KTV[parents_R, :, labels_R]
        rows, labels = parents_R.to(self.projected_1TF.device), labels_R.to(self.projected_1TF.device)
        state = (self.state[0][:, rows].contiguous(), self.state[1][:, rows].contiguous())
        log_probs, state = self.head.next_tokens(self.projected_1TF, labels, state)
        log_probs_RTV = log_probs.cpu()
        waited_RS = functional.pad(log_probs_RTV[:, :, BLANK].double(), (1, 0))
        reached_RS = log_recurrence(waited_RS, functional.pad(said_RT, (0, 1), value=IMPOSSIBLE))
        return replace(
            self, log_probs_KTV=log_probs_RTV, probs_KTV=log_probs_RTV.exp(), reached_KS=reached_RS, state=state
        )  # fmt: skip


def transducer_beam(head: Predicting, encodings_TF: Tensor) -> TransducerBeam:
    """Return the variables of the empty prefix alone, given the encodings of one utterance."""
    projected_1TF = head.from_encoder(encodings_TF)[None]
    log_probs, state = head.next_tokens(projected_1TF, torch.full((1,), BLANK, device=encodings_TF.device), None)
    log_probs_1TV = log_probs.cpu()
    reached_1S = functional.pad(log_probs_1TV[:, :, BLANK].double().cumsum(1), (1, 0))
    return TransducerBeam(head, projected_1TF, log_probs_1TV, log_probs_1TV.exp(), reached_1S, state)


def _sums(weights_KT: Tensor, probs_TV: Tensor) -> Tensor:
    """Return ``log Σ_t exp(weights[t]) probs[t, v]``; labels e⁻⁷⁰⁰ times less probable than the best are lost."""
    peak_K1 = _peak(weights_KT)
    return ((weights_KT - peak_K1).exp() @ probs_TV).log() + peak_K1


def _peak(weights_KT: Tensor) -> Tensor:
    """Return the largest of each row, zero where it is impossible or there is none."""
    if not weights_KT.shape[1]:
        return weights_KT.new_zeros(len(weights_KT), 1)
    return weights_KT.amax(1, keepdim=True).nan_to_num(neginf=0.0)


def _delayed(values_KT: Tensor) -> Tensor:
    """Put an impossible value before the first frame."""
    return functional.pad(values_KT, (1, 0), value=IMPOSSIBLE)
