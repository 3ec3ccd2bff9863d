"""Utterances of unlike lengths, and the gradient of each computed alone, by plain autograd."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fedasr.asr.batch import Batch, make_batch
from fedasr.asr.recogniser import Recogniser
from fedasr.training.gradients import batch_gradient
from fedasr.training.objectives.supervised import Supervised
from support.toy_recognisers import features

FRAMES = (40, 71, 25, 33)
TARGETS = ((1, 2), (3, 4, 5), (2,), (1, 1))


def batch_of(numbers: Sequence[int] = range(4)) -> Batch:
    """Some of the four utterances."""
    all_features = features(*FRAMES)
    return make_batch([all_features[n] for n in numbers], [TARGETS[n] for n in numbers])


def alone(model: Recogniser, number: int) -> list[Tensor]:
    return batch_gradient(model, Supervised().losses, batch_of([number]), None)[1]


def norm(gradient: Sequence[Tensor]) -> float:
    return float(torch.cat([part.flatten().double() for part in gradient]).norm())


def assert_close(found: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
    """Equal to a relative 1e-4 of each tensor's largest value."""
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * float(b.abs().max()))
