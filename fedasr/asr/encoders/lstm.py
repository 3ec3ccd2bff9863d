"""LSTM encoders, of one direction and of two. They keep the rate of the frames that they read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from fedasr.asr.encoders.encoder import Encoder
from fedasr.asr.layers import BidirectionalLSTM, ReverseWithinLength, dropout
from fedasr.common.settings import Settings, least, number


@dataclass(frozen=True)
class LSTMSettings(Settings):
    """Size of an LSTM encoder.

    Parameters
    ----------
    layers, units : int
        Layers, and units of each layer and direction.
    dropout : float
        Probability of dropping an activation between layers.
    """

    layers: int = least(3, 1)
    units: int = least(256, 1)
    dropout: float = number(0.2, least=0.0, most=0.95)


class LSTMEncoder(Encoder):
    """Unidirectional LSTM layers, each with layer normalisation: the encoder that could run as speech comes in."""

    settings: ClassVar[type[Settings]] = LSTMSettings

    def __init__(self, inputs: int, settings: LSTMSettings) -> None:
        super().__init__()
        widths = [inputs] + [settings.units] * (settings.layers - 1)
        self.layers = nn.ModuleList(nn.LSTM(width, settings.units, batch_first=True) for width in widths)
        self.norms = nn.ModuleList(nn.LayerNorm(settings.units) for _ in widths)
        self.dropout = settings.dropout
        self.outputs = settings.units

    def forward(self, x_BTF: Tensor, lengths_B: Tensor, generator: torch.Generator | None) -> Tensor:
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x_BTF = dropout(norm(layer(x_BTF)[0]), self.dropout, generator)
        return x_BTF


class BidirectionalLSTMEncoder(Encoder):
    """Bidirectional LSTM layers, each followed by layer normalisation (it ends the plateau of blanks sooner)."""

    settings: ClassVar[type[Settings]] = LSTMSettings

    def __init__(self, inputs: int, settings: LSTMSettings) -> None:
        super().__init__()
        widths = [inputs] + [2 * settings.units] * (settings.layers - 1)
        self.layers = nn.ModuleList(BidirectionalLSTM(width, settings.units) for width in widths)
        self.norms = nn.ModuleList(nn.LayerNorm(2 * settings.units) for _ in widths)
        self.dropout = settings.dropout
        self.outputs = 2 * settings.units

    def forward(self, x_BTF: Tensor, lengths_B: Tensor, generator: torch.Generator | None) -> Tensor:
        reverse = ReverseWithinLength(lengths_B, x_BTF.shape[1])
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x_BTF = dropout(norm(layer(x_BTF, reverse)), self.dropout, generator)
        return x_BTF
