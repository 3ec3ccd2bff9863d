"""Encoders: LSTM, bidirectional LSTM and Conformer. All read 30 ms frames and keep their rate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchaudio.models import Conformer

from fedasr.asr.layers import BidirectionalLSTM, ReverseWithinLength, dropout, valid_frames


@dataclass(frozen=True)
class EncoderSpec:
    """Which encoder, and how large.

    Parameters
    ----------
    kind : str
        ``"lstm"``, ``"bilstm"`` or ``"conformer"``.
    layers, units : int
        Layers, and units of each layer (of each direction where there are two).
    dropout : float
        Probability of dropping an activation between layers.
    heads, kernel : int
        Conformer only: attention heads, and the width of its convolutions (odd).
    """

    kind: str = "bilstm"
    layers: int = 3
    units: int = 256
    dropout: float = 0.2
    heads: int = 4
    kernel: int = 15


class Encoder(nn.Module, ABC):
    """Maps stacked features to encodings, frame by frame."""

    outputs: int

    @abstractmethod
    def forward(self, x_BTF: Tensor, lengths_B: Tensor, generator: torch.Generator | None) -> Tensor:
        """Return encodings of shape (batch, frames, outputs).

        Parameters
        ----------
        x_BTF : Tensor
            Stacked features, padded at the end.
        lengths_B : Tensor of int64
            Frames of each utterance.
        generator : torch.Generator or None
            The source of dropout masks; None in evaluation.
        """


class LSTMEncoder(Encoder):
    """Unidirectional LSTM layers, each with layer normalisation: the encoder that could run as speech comes in."""

    def __init__(self, spec: EncoderSpec, inputs: int) -> None:
        super().__init__()
        widths = [inputs] + [spec.units] * (spec.layers - 1)
        self.layers = nn.ModuleList(nn.LSTM(width, spec.units, batch_first=True) for width in widths)
        self.norms = nn.ModuleList(nn.LayerNorm(spec.units) for _ in widths)
        self.dropout = spec.dropout
        self.outputs = spec.units

    def forward(self, x_BTF: Tensor, lengths_B: Tensor, generator: torch.Generator | None) -> Tensor:
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x_BTF = dropout(norm(layer(x_BTF)[0]), self.dropout, generator)
        return x_BTF


class BidirectionalLSTMEncoder(Encoder):
    """Bidirectional LSTM layers, each followed by layer normalisation (it ends the plateau of blanks sooner)."""

    def __init__(self, spec: EncoderSpec, inputs: int) -> None:
        super().__init__()
        widths = [inputs] + [2 * spec.units] * (spec.layers - 1)
        self.layers = nn.ModuleList(BidirectionalLSTM(width, spec.units) for width in widths)
        self.norms = nn.ModuleList(nn.LayerNorm(2 * spec.units) for _ in widths)
        self.dropout = spec.dropout
        self.outputs = 2 * spec.units

    def forward(self, x_BTF: Tensor, lengths_B: Tensor, generator: torch.Generator | None) -> Tensor:
        reverse = ReverseWithinLength(lengths_B, x_BTF.shape[1])
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x_BTF = dropout(norm(layer(x_BTF, reverse)), self.dropout, generator)
        return x_BTF


class ConformerEncoder(Encoder):
    """torchaudio's Conformer with group norm (batch norm breaks per-example gradients and unlike silos).

    Its own dropout, which draws from a global generator, is off; ours acts between the layers. Its
    convolutions look across the end of an utterance, so padding is set to zero between layers; its
    group norm still counts it, so scores depend slightly on what shares the batch.
    """

    def __init__(self, spec: EncoderSpec, inputs: int) -> None:
        super().__init__()
        self.project = nn.Linear(inputs, spec.units)
        self.conformer = Conformer(
            spec.units, spec.heads, 4 * spec.units, spec.layers, spec.kernel, dropout=0.0, use_group_norm=True
        )
        self.dropout = spec.dropout
        self.outputs = spec.units

    def forward(self, x_BTF: Tensor, lengths_B: Tensor, generator: torch.Generator | None) -> Tensor:
        valid_BT = valid_frames(lengths_B, x_BTF.shape[1])
        x_TBF: Tensor = (self.project(x_BTF) * valid_BT[:, :, None]).transpose(0, 1)
        for layer in self.conformer.conformer_layers:
            x_TBF = dropout(layer(x_TBF, ~valid_BT), self.dropout, generator) * valid_BT.T[:, :, None]
        return x_TBF.transpose(0, 1)


ENCODERS: dict[str, type[Encoder]] = {
    "lstm": LSTMEncoder,
    "bilstm": BidirectionalLSTMEncoder,
    "conformer": ConformerEncoder,
}


def build_encoder(spec: EncoderSpec, inputs: int) -> Encoder:
    """Return the encoder that the specification names."""
    return ENCODERS[spec.kind](spec, inputs)
