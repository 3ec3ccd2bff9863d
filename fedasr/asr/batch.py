"""A batch of utterances as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedasr.asr.features import stack_frames


@dataclass(frozen=True)
class Batch:
    """Utterances, padded at the end.

    Attributes
    ----------
    features_BTF : Tensor of float32
        Stacked features.
    lengths_B : Tensor of int64
        Frames of each utterance.
    targets_BU : Tensor of int64
        Token numbers, padded with zeros.
    target_lengths_B : Tensor of int64
        Tokens of each utterance.
    """

    features_BTF: Tensor
    lengths_B: Tensor
    targets_BU: Tensor
    target_lengths_B: Tensor

    def __len__(self) -> int:
        return len(self.lengths_B)

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return Batch(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


def make_batch(features: Sequence[NDArray[np.floating]], targets: Sequence[Sequence[int]] = ()) -> Batch:
    """Stack, pad and join utterances.

    Parameters
    ----------
    features : sequence of ndarray, each of shape (frames of 10 ms, mels)
    targets : sequence of token numbers
        Left out where there is nothing to learn from.
    """
    stacked = [stack_frames(utterance) for utterance in features]
    targets = targets or [()] * len(stacked)
    lengths = [len(utterance) for utterance in stacked]
    features_BTF = np.zeros((len(stacked), max(lengths), stacked[0].shape[1]), np.float32)
    targets_BU = np.zeros((len(stacked), max((len(t) for t in targets), default=0)), np.int64)
    for row, (utterance, target) in enumerate(zip(stacked, targets, strict=True)):
        features_BTF[row, : len(utterance)] = utterance
        targets_BU[row, : len(target)] = target
    return Batch(
        torch.from_numpy(features_BTF), torch.tensor(lengths),
        torch.from_numpy(targets_BU), torch.tensor([len(t) for t in targets]),
    )  # fmt: skip
