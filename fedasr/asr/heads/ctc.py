"""Connectionist temporal classification: loss and greedy decoding."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from fedasr.asr.heads.beam import Beam, ctc_beam
from fedasr.asr.heads.head import Forward
from fedasr.asr.heads.linear import LinearHead
from fedasr.asr.heads.prefix_ctc import ctc_forward
from fedasr.asr.tokens import BLANK


class CTCHead(LinearHead):
    """A linear layer whose outputs are scored by CTC (Graves et al. 2006)."""

    def parts(self) -> Mapping[str, nn.Module]:
        """Return itself: ``ctc.output.weight`` is the name of its matrix."""
        return {"ctc": self}

    def losses(
        self, encodings_BTF: Tensor, lengths_B: Tensor, targets_BU: Tensor, target_lengths_B: Tensor,
        generator: torch.Generator | None = None,
    ) -> Tensor:  # fmt: skip
        """Return the negative log-likelihood of each utterance, in nats, shape (batch,).

        A target that does not fit into its frames counts zero (and teaches nothing).
        """
        log_probabilities_TBV = self(encodings_BTF).transpose(0, 1)
        return functional.ctc_loss(
            log_probabilities_TBV, targets_BU, lengths_B, target_lengths_B, BLANK, "none", zero_infinity=True
        )

    def fits(self, lengths_B: Tensor, targets_BU: Tensor, target_lengths_B: Tensor) -> Tensor:
        """Say which targets have a path: a frame for each token, and a blank between two that are alike."""
        place_U = torch.arange(1, max(targets_BU.shape[1], 1), device=targets_BU.device)
        is_repeat_BU = (targets_BU[:, 1:] == targets_BU[:, :-1]) & (place_U < target_lengths_B[:, None])
        return lengths_B >= target_lengths_B + is_repeat_BU.sum(1)

    def prefix_of_scores(self, scores_BTV: Tensor, lengths_B: Tensor) -> Forward:
        """Return the forward variables of the empty prefix."""
        return ctc_forward(scores_BTV, lengths_B)

    def beam(self, encodings_TF: Tensor) -> Beam:
        """Return the empty prefix of one utterance."""
        return ctc_beam(self(encodings_TF))
