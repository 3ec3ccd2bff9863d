"""The Conformer encoder. It reads 30 ms frames and keeps their rate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torchaudio.models import Conformer

from fedasr.asr.encoders.encoder import Encoder
from fedasr.asr.layers import dropout, valid_frames
from fedasr.common.settings import Mistake, Settings, least, number


@dataclass(frozen=True)
class ConformerSettings(Settings):
    """Size of a Conformer.

    Parameters
    ----------
    layers, units : int
        Layers, and units of each layer.
    dropout : float
        Probability of dropping an activation between layers.
    heads : int
        Attention heads; they divide the units.
    kernel : int
        The width of its convolutions, odd.
    """

    layers: int = least(3, 1)
    units: int = least(256, 1)
    dropout: float = number(0.2, least=0.0, most=0.95)
    heads: int = least(4, 1)
    kernel: int = least(15, 1)

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse shapes that a Conformer cannot have."""
        if self.kernel % 2 == 0:
            yield Mistake(f"{{0}} must be odd, not {self.kernel}", ("kernel",))
        if self.units % self.heads:
            yield Mistake(f"{{0}} ({self.units}) must be a multiple of {{1}} ({self.heads})", ("units", "heads"))


class ConformerEncoder(Encoder):
    """torchaudio's Conformer with group norm (batch norm breaks per-example gradients and unlike silos).

    Its own dropout, which draws from a global generator, is off; ours acts between the layers. Its
    convolutions look across the end of an utterance, so padding is set to zero between layers; its
    group norm still counts it, so scores depend slightly on what shares the batch.
    """

    settings: ClassVar[type[Settings]] = ConformerSettings

    def __init__(self, inputs: int, settings: ConformerSettings) -> None:
        super().__init__()
        units = settings.units
        self.project = nn.Linear(inputs, units)
        self.conformer = Conformer(
            units, settings.heads, 4 * units, settings.layers, settings.kernel, dropout=0.0, use_group_norm=True
        )
        self.dropout = settings.dropout
        self.outputs = units

    def forward(self, x_BTF: Tensor, lengths_B: Tensor, generator: torch.Generator | None) -> Tensor:
        valid_BT = valid_frames(lengths_B, x_BTF.shape[1])
        x_TBF: Tensor = (self.project(x_BTF) * valid_BT[:, :, None]).transpose(0, 1)
        for layer in self.conformer.conformer_layers:
            x_TBF = dropout(layer(x_TBF, ~valid_BT), self.dropout, generator) * valid_BT.T[:, :, None]
        return x_TBF.transpose(0, 1)
