"""A batch of utterances as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedasr.asr.features import FRAMES_STACKED, stack_frames
from fedasr.asr.soft_targets import FrameTargets, SoftTargets, stacked_targets


@dataclass(frozen=True)
class Batch:
    """Utterances, padded at the end.

    Attributes
    ----------
    features_BTF : Tensor of float32
        Stacked features.
    lengths_B : Tensor of int64
        Stacks of each utterance.
    targets_BU : Tensor of int64
        Token numbers, padded with zeros.
    target_lengths_B : Tensor of int64
        Tokens of each utterance.
    soft : SoftTargets, optional
        What a teacher says of each frame.
    ids : tuple of str
        Which utterances they are; empty where nobody asks.
    """

    features_BTF: Tensor
    lengths_B: Tensor
    targets_BU: Tensor
    target_lengths_B: Tensor
    soft: SoftTargets | None = None
    ids: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lengths_B)

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return Batch(
            self.features_BTF.to(device), self.lengths_B.to(device),
            self.targets_BU.to(device), self.target_lengths_B.to(device),
            None if self.soft is None else self.soft.to(device), self.ids,
        )  # fmt: skip

    def trimmed(self, start: int, stop: int) -> Batch:
        """Return some utterances, at least one, without the padding that only others need."""
        lengths_B, target_lengths_B = self.lengths_B[start:stop], self.target_lengths_B[start:stop]
        frames, tokens = int(lengths_B.max()), int(target_lengths_B.max())
        soft = None if self.soft is None else self.soft.trimmed(start, stop, frames)
        return Batch(
            self.features_BTF[start:stop, :frames], lengths_B, self.targets_BU[start:stop, :tokens], target_lengths_B,
            soft, self.ids[start:stop],
        )  # fmt: skip


def make_batch(
    features: Sequence[NDArray[np.floating]], targets: Sequence[Sequence[int]] = (),
    soft: Sequence[FrameTargets] = (), ids: Sequence[str] = (), stacked: int = FRAMES_STACKED,
) -> Batch:  # fmt: skip
    """Stack, pad and join utterances.

    Parameters
    ----------
    features : sequence of ndarray, each of shape (frames of 10 ms, mels)
    targets : sequence of token numbers
        Left out where there is nothing to learn from.
    soft : sequence of frame targets
        One an utterance, or none.
    ids : sequence of str
        One an utterance, or none.
    stacked : int
        Frames of a stack, as the recogniser's specification has it.
    """
    stacks = [stack_frames(utterance, stacked) for utterance in features]
    targets = targets or [()] * len(stacks)
    lengths = [len(utterance) for utterance in stacks]
    features_BTF = np.zeros((len(stacks), max(lengths), stacks[0].shape[1]), np.float32)
    targets_BU = np.zeros((len(stacks), max((len(t) for t in targets), default=0)), np.int64)
    for row, (utterance, target) in enumerate(zip(stacks, targets, strict=True)):
        features_BTF[row, : len(utterance)] = utterance
        targets_BU[row, : len(target)] = target
    return Batch(
        torch.from_numpy(features_BTF), torch.tensor(lengths),
        torch.from_numpy(targets_BU), torch.tensor([len(t) for t in targets]),
        stacked_targets(soft, max(lengths)) if soft else None, tuple(ids),
    )  # fmt: skip
