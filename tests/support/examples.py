"""Utterances of unlike lengths, and the gradient of each computed alone, by plain autograd."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fedasr.asr.batch import Batch, make_batch
from fedasr.asr.recogniser import Recogniser
from fedasr.training.gradients import batch_gradient
from fedasr.training.objectives.supervised import Supervised
from support.tolerance import assert_rounded
from support.toy_recognisers import features, operations

FRAMES = (40, 71, 25, 33)
TARGETS = ((1, 2), (3, 4, 5), (2,), (1, 1))
THERE_AND_BACK = 2 * operations(max(FRAMES))
"""Operations in a row from features to the loss and back to a gradient."""


def batch_of(numbers: Sequence[int] = range(4)) -> Batch:
    """Some of the four utterances."""
    all_features = features(*FRAMES)
    return make_batch([all_features[n] for n in numbers], [TARGETS[n] for n in numbers])


def alone(model: Recogniser, number: int) -> list[Tensor]:
    return batch_gradient(model, Supervised().losses, batch_of([number]), None)[1]


def norm(gradient: Sequence[Tensor]) -> float:
    return float(torch.cat([part.flatten().double() for part in gradient]).norm())


def assert_close(found: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
    """Assert that two gradients of these utterances differ by rounding at most, on the way there and back."""
    for a, b in zip(found, expected, strict=True):
        assert_rounded(a, b, THERE_AND_BACK)
