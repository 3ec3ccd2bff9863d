"""What heads of one linear layer share: the scores of each frame, and the best path through them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fedasr.asr.component import NO_OPTIONS
from fedasr.asr.heads.head import Head
from fedasr.asr.layers import valid_frames
from fedasr.asr.tokens import BLANK
from fedasr.common.settings import Settings


class LinearHead(Head):
    """A linear layer over the encodings; token 0 says that nothing is said."""

    def __init__(self, inputs: int, tokens: int, settings: Settings = NO_OPTIONS) -> None:
        super().__init__()
        self.output = nn.Linear(inputs, tokens)

    def forward(self, encodings_BTF: Tensor) -> Tensor:
        """Return log-probabilities of shape (batch, frames, tokens)."""
        logits_BTV: Tensor = self.output(encodings_BTF)
        return logits_BTV.to(torch.promote_types(logits_BTV.dtype, torch.float32)).log_softmax(-1)

    def greedy(self, encodings_BTF: Tensor, lengths_B: Tensor) -> list[list[int]]:
        """Return the best path of each utterance, repeats made one and token 0 left out."""
        best_BT = self(encodings_BTF).argmax(-1)
        valid_BT = valid_frames(lengths_B, best_BT.shape[1])
        changed_BT = torch.ones_like(valid_BT)
        changed_BT[:, 1:] = best_BT[:, 1:] != best_BT[:, :-1]
        kept_BT = valid_BT & changed_BT & (best_BT != BLANK)
        pieces = torch.split(best_BT[kept_BT], kept_BT.sum(1).tolist())
        return [piece.tolist() for piece in pieces]

    def frame_scores(self, encodings_BTF: Tensor) -> Tensor:
        """Return the log-probabilities of each frame, shape (batch, frames, tokens)."""
        scores_BTV: Tensor = self(encodings_BTF)
        return scores_BTV
