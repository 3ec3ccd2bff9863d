"""Frame classification: one label a frame, learnt from alignments; the acoustic model of a hybrid recogniser."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from fedasr.asr.component import NO_OPTIONS
from fedasr.asr.heads.head import Head
from fedasr.asr.layers import valid_frames
from fedasr.asr.tokens import BLANK
from fedasr.common.errors import UserError
from fedasr.common.settings import Settings

MOST_OUTPUTS = 65_535
"""Outputs that a head may have: their numbers are kept in 16 bits."""


class FramesHead(Head):
    """A linear layer whose outputs are the labels of a frame: phones, or any other inventory; label 0 is silence.

    Its targets are as long as the encodings: a label a frame (`fedasr.corpora.alignment`). It is
    decoded by Viterbi (`fedasr.asr.decoding.viterbi`), among words with an n-gram beside them.

    Parameters
    ----------
    inputs : int
        Features of an encoding.
    tokens : int
        Labels, silence and the unknown one among them.
    settings : Settings
        There are none.

    Raises
    ------
    UserError
        Where there are more labels than `MOST_OUTPUTS`.
    """

    is_aligned = True

    def __init__(self, inputs: int, tokens: int, settings: Settings = NO_OPTIONS) -> None:
        super().__init__()
        if tokens > MOST_OUTPUTS:
            raise UserError(f"model.head: 'frames' has at most {MOST_OUTPUTS} outputs, not {tokens}; take fewer labels")
        self.output = nn.Linear(inputs, tokens)

    def parts(self) -> Mapping[str, nn.Module]:
        """Return itself: ``frames.output.weight`` is the name of its matrix."""
        return {"frames": self}

    def forward(self, encodings_BTF: Tensor) -> Tensor:
        """Return log-probabilities of shape (batch, frames, labels)."""
        logits_BTV: Tensor = self.output(encodings_BTF)
        return logits_BTV.to(torch.promote_types(logits_BTV.dtype, torch.float32)).log_softmax(-1)

    def losses(
        self, encodings_BTF: Tensor, lengths_B: Tensor, targets_BU: Tensor, target_lengths_B: Tensor,
        generator: torch.Generator | None = None,
    ) -> Tensor:  # fmt: skip
        """Return the cross-entropy of each utterance's labels, summed over its frames, in nats, shape (batch,).

        Target u is the label of frame u. A recogniser divides by their number, so that its loss is one a frame.
        """
        frames = min(encodings_BTF.shape[1], targets_BU.shape[1])
        said_BT: Tensor = self(encodings_BTF)[:, :frames].gather(2, targets_BU[:, :frames, None]).squeeze(2)
        valid_BT = valid_frames(torch.minimum(lengths_B, target_lengths_B), frames)
        return -said_BT.masked_fill(~valid_BT, 0).sum(1)

    def fits(self, lengths_B: Tensor, targets_BU: Tensor, target_lengths_B: Tensor) -> Tensor:
        """Say which targets have no more labels than frames."""
        return target_lengths_B <= lengths_B

    def greedy(self, encodings_BTF: Tensor, lengths_B: Tensor) -> list[list[int]]:
        """Return the most probable label of each frame, repeats made one and silence left out."""
        best_BT = self(encodings_BTF).argmax(-1)
        valid_BT = valid_frames(lengths_B, best_BT.shape[1])
        changed_BT = torch.ones_like(valid_BT)
        changed_BT[:, 1:] = best_BT[:, 1:] != best_BT[:, :-1]
        kept_BT = valid_BT & changed_BT & (best_BT != BLANK)
        pieces = torch.split(best_BT[kept_BT], kept_BT.sum(1).tolist())
        return [piece.tolist() for piece in pieces]

    def frame_scores(self, encodings_BTF: Tensor) -> Tensor:
        """Return the log-probabilities of each frame, shape (batch, frames, labels)."""
        scores_BTV: Tensor = self(encodings_BTF)
        return scores_BTV
