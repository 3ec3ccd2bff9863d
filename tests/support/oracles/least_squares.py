"""A recogniser in float64 whose loss on an utterance is an exact quadratic of its parameters.

It hears three numbers in an utterance and guesses two of its transcript: how long it is and how its letters lie. Rows
that train it are linear algebra, and can be held to a loop of a paper's equations up to the rounding of float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fedasr.asr.component import NO_OPTIONS
from fedasr.asr.encoders.encoder import Encoder
from fedasr.asr.heads.head import Head
from fedasr.common.settings import Settings

GUESSES, HEARD = 2, 3
PAIRS = ((0, 2), (2, 5), (5, 7))
"""Mel bands whose correlations over an utterance are what is heard of it."""
MODEL: dict[str, Any] = {
    "encoder": f"{__name__}:Correlations", "head": f"{__name__}:Guess", "start": "scratch", "mels": 8,
    "layers": None, "units": None, "dropout": None,
}  # fmt: skip
"""The table ``[model]``."""
NO_AUGMENT = {"tempo": 0.0, "vocal_tract": 0.0, "frequency_masks": 0, "time_masks": 0}
"""The table ``[augment]``."""


class Correlations(Encoder):
    """A linear map of what is heard in each frame, in float64."""

    outputs = GUESSES

    def __init__(self, inputs: int, settings: Settings = NO_OPTIONS) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(GUESSES, HEARD, dtype=torch.float64) / 4)

    def forward(self, x_BTF: Tensor, lengths_B: Tensor, generator: torch.Generator | None) -> Tensor:
        """Return the map of the bands' products, shape (batch, frames, `GUESSES`)."""
        bands_BTM = x_BTF.double().unflatten(-1, (3, -1))
        heard = [(bands_BTM[..., one] * bands_BTM[..., other]).mean(-1) for one, other in PAIRS]
        return 3 * (torch.stack(heard, -1) - 0.4) @ self.weight.T  # so that no direction is much flatter than another


class Guess(Head):
    """Guesses from the mean of the encodings and an offset; its loss is half the squared error."""

    def __init__(self, inputs: int, tokens: int, settings: Settings = NO_OPTIONS) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.randn(GUESSES, dtype=torch.float64) / 4)

    def losses(
        self, encodings_BTF: Tensor, lengths_B: Tensor, targets_BU: Tensor, target_lengths_B: Tensor,
        generator: torch.Generator | None = None,
    ) -> Tensor:  # fmt: skip
        """Return the loss of each utterance, shape (batch,), times its tokens, by which a recogniser divides."""
        guess_BG = _mean(encodings_BTF, lengths_B) + self.offset
        tokens_B = target_lengths_B.clamp_min(1).double()
        true_BG = torch.stack([tokens_B / 10, targets_BU.sum(1) / tokens_B / 10], -1)
        return ((guess_BG - true_BG) ** 2).sum(-1) / 2 * tokens_B

    def greedy(self, encodings_BTF: Tensor, lengths_B: Tensor) -> list[list[int]]:
        """Return that nothing was said: it guesses no words."""
        return [[] for _ in lengths_B]


def _mean(encodings_BTF: Tensor, lengths_B: Tensor) -> Tensor:
    """Return the mean over each utterance's own frames."""
    return torch.stack([e[:n].mean(0) for e, n in zip(encodings_BTF, _ints(lengths_B), strict=True)])


def _ints(lengths_B: Tensor) -> Sequence[int]:
    found: list[int] = lengths_B.tolist()
    return found
