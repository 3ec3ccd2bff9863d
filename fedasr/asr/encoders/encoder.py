"""What an encoder is, and which there are: the entry-point group ``fedasr.encoders``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from fedasr.asr.component import Choice, Component
from fedasr.common.registry import Registry

POSITIONS = ("rotary", "none")


@dataclass(frozen=True)
class EncoderSpec:
    """Which encoder, and how large.

    Parameters
    ----------
    kind : str
        ``"lstm"``, ``"bilstm"``, ``"conformer"``, another registered name, or ``module:Class``.
    layers, units : int
        Layers, and units of each layer (of each direction where there are two).
    dropout : float
        Probability of dropping an activation between layers.
    heads, kernel : int
        Conformer only: attention heads, and the width of its convolutions (odd).
    positions : str
        Conformer only: what attention knows of the places of two frames.
    options : mapping
        Settings that other encoders do not have.
    """

    kind: str = "bilstm"
    layers: int = 3
    units: int = 256
    dropout: float = 0.2
    heads: int = 4
    kernel: int = 15
    positions: str = "rotary"
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def choice(self) -> Choice:
        """The encoder and its settings, for `ENCODERS`."""
        shared = {name: getattr(self, name) for name in ("layers", "units", "dropout", "heads", "kernel", "positions")}
        return Choice(self.kind, shared, self.options)


class Encoder(Component, ABC):
    """Maps subsampled features to encodings, frame by frame: ``Encoder(inputs, settings)``.

    Attributes
    ----------
    outputs : int
        Features of an encoding.
    """

    role: ClassVar[str] = "encoder"
    outputs: int

    @abstractmethod
    def forward(self, x_BTF: Tensor, lengths_B: Tensor, generator: torch.Generator | None) -> Tensor:
        """Return encodings of shape (batch, frames, outputs).

        Parameters
        ----------
        x_BTF : Tensor
            Subsampled features, padded at the end.
        lengths_B : Tensor of int64
            Frames of each utterance.
        generator : torch.Generator or None
            The source of dropout masks; None in evaluation.
        """


ENCODERS: Registry[type[Encoder]] = Registry("encoder", "fedasr.encoders")
