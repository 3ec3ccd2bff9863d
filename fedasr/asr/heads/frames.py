"""Frame classification: one label a frame, learnt from alignments; the acoustic model of a hybrid recogniser."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from fedasr.asr.component import NO_OPTIONS
from fedasr.asr.heads.linear import LinearHead
from fedasr.asr.layers import valid_frames
from fedasr.common.errors import UserError
from fedasr.common.settings import Settings

MOST_OUTPUTS = 65_535
"""Outputs that a head may have: their numbers are kept in 16 bits."""


class FramesHead(LinearHead):
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
        if tokens > MOST_OUTPUTS:
            raise UserError(f"model.head: 'frames' has at most {MOST_OUTPUTS} outputs, not {tokens}; take fewer labels")
        super().__init__(inputs, tokens, settings)

    def parts(self) -> Mapping[str, nn.Module]:
        """Return itself: ``frames.output.weight`` is the name of its matrix."""
        return {"frames": self}

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
