"""A head of one's own: CTC over a hidden layer.

``[model] head = "head:DeepCTC"`` finds it on the path, ``head_options`` are its settings. In a package it has a name::

    [project.entry-points."fedasr.heads"]
    deep-ctc = "head:DeepCTC"
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from fedasr.asr.heads.ctc import CTCHead
from fedasr.common.settings import Settings, least


@dataclass(frozen=True)
class DeepSettings(Settings):
    """Settings of the head.

    Parameters
    ----------
    hidden : int
        Units of the hidden layer.
    """

    hidden: int = least(64, 1)


class DeepCTC(CTCHead):
    """A hidden layer, and the linear layer whose outputs are scored by CTC.

    Loss, decoding, scores of frames and of prefixes are CTC's own; a head of another kind is derived from
    `fedasr.asr.heads.head.Head` and brings its own.
    """

    settings: ClassVar[type[Settings]] = DeepSettings

    def __init__(self, inputs: int, tokens: int, settings: DeepSettings) -> None:
        super().__init__(settings.hidden, tokens)
        self.hidden = nn.Linear(inputs, settings.hidden)

    def forward(self, encodings_BTF: Tensor) -> Tensor:
        """Return log-probabilities of shape (batch, frames, tokens)."""
        return super().forward(torch.tanh(self.hidden(encodings_BTF)))
