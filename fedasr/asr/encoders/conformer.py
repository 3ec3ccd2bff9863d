"""The Conformer encoder. It keeps the rate of the frames that it reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from fedasr.asr.encoders.conformer_layers import ConformerLayer
from fedasr.asr.encoders.encoder import POSITIONS, Encoder
from fedasr.asr.layers import dropout, valid_frames
from fedasr.common.settings import Mistake, Settings, least, number, one_of


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
    positions : str
        What attention knows of the places of two frames: ``"rotary"``, how far they are apart; ``"none"``, nothing, as
        in models of fedasr 0.1.
    """

    layers: int = least(3, 1)
    units: int = least(256, 1)
    dropout: float = number(0.2, least=0.0, most=0.95)
    heads: int = least(4, 1)
    kernel: int = least(15, 1)
    positions: str = one_of("rotary", *POSITIONS)

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse shapes that a Conformer cannot have."""
        if self.kernel % 2 == 0:
            yield Mistake(f"{{0}} must be odd, not {self.kernel}", ("kernel",))
        if self.units % self.heads:
            yield Mistake(f"{{0}} ({self.units}) must be a multiple of {{1}} ({self.heads})", ("units", "heads"))
        elif self.positions == "rotary" and self.units // self.heads % 2:
            size = self.units // self.heads
            yield Mistake(
                f"{{0}} / {{1}} is {size}; rotary positions turn pairs of features: make it even", ("units", "heads")
            )


class Conformer(nn.Module):
    """The layers, by the names that their parameters carry in a model's file."""

    def __init__(self, settings: ConformerSettings) -> None:
        super().__init__()
        self.conformer_layers = nn.ModuleList(
            ConformerLayer(settings.units, settings.heads, settings.kernel, settings.positions)
            for _ in range(settings.layers)
        )


class ConformerEncoder(Encoder):
    """A Conformer with group norm (batch norm breaks per-example gradients and unlike silos).

    Attention knows how far two frames are apart (`fedasr.asr.encoders.rotary`). An utterance's encoding does not depend
    on its padding, and so not on what shares the batch. Dropout acts between the layers.
    """

    settings: ClassVar[type[Settings]] = ConformerSettings

    def __init__(self, inputs: int, settings: ConformerSettings) -> None:
        super().__init__()
        self.project = nn.Linear(inputs, settings.units)
        self.conformer = Conformer(settings)
        self.dropout = settings.dropout
        self.outputs = settings.units

    def forward(self, x_BTF: Tensor, lengths_B: Tensor, generator: torch.Generator | None) -> Tensor:
        padding_BT = ~valid_frames(lengths_B, x_BTF.shape[1])
        # A NaN in the padding would get through attention's weight of zero.
        x_BTF = self.project(x_BTF.masked_fill(padding_BT[..., None], 0.0))
        for layer in self.conformer.conformer_layers:
            x_BTF = dropout(layer(x_BTF, padding_BT), self.dropout, generator)
        return x_BTF
