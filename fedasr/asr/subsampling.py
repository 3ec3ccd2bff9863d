"""Subsampling: how frames of 10 ms become the fewer frames that an encoder reads, an encoding each.

A batch holds stacks of frames, as many as there are encodings; it is stacked by ``frames_stacked`` of the recogniser's
subsampling. So `fedasr.asr.features.stacked_length` alone says how many encodings an utterance has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from fedasr.asr.features import FRAMES_STACKED

CHANNELS = 32
"""Of each convolution, as in Deep Speech 2 (Amodei et al. 2016)."""


class Stacked(nn.Module):
    """The stacks as they are: three frames of 10 ms to one of 30 ms.

    Parameters
    ----------
    mels : int
        Features of a frame of 10 ms.
    """

    frames_stacked: ClassVar[int] = FRAMES_STACKED

    def __init__(self, mels: int) -> None:
        super().__init__()
        self.outputs = mels * self.frames_stacked

    def forward(self, x_BTF: Tensor) -> Tensor:
        """Return the stacks."""
        return x_BTF


class Convolutional(nn.Module):
    """Two convolutions over time and frequency, each of width 3 and stride 2, to one frame every 40 ms.

    As in the Speech-Transformer (Dong et al. 2018) and ESPnet; what comes out goes to the encoder's first
    layer, which is linear in it. Windows lie so that frame i sees the frames 4i - 3 to 4i + 3 of 10 ms, none beyond its
    own stack: an utterance needs no mask not to see its padding, nor what shares its batch.

    Parameters
    ----------
    mels : int
        Features of a frame of 10 ms.
    """

    frames_stacked: ClassVar[int] = 4

    def __init__(self, mels: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(inputs, CHANNELS, 3, 2, 1) for inputs in (1, CHANNELS))
        self.mels = mels
        self.outputs = CHANNELS * -(-mels // 4)

    def forward(self, x_BTF: Tensor) -> Tensor:
        """Return a frame for each stack of four, shape (batch, stacks, outputs)."""
        batch, stacks, _ = x_BTF.shape
        x_BCTM = x_BTF.reshape(batch, 1, self.frames_stacked * stacks, self.mels)
        for convolution in self.convolutions:
            x_BCTM = functional.relu(convolution(x_BCTM))
        return x_BCTM.transpose(1, 2).flatten(2)


SUBSAMPLINGS: Mapping[str, type[Stacked] | type[Convolutional]] = {"stacked": Stacked, "convolutional": Convolutional}
