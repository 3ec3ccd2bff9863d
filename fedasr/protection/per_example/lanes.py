"""Clipped sums of the lanes of a batch, side by side: threads whose number changes the time and not the bits."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import reduce

import torch

from fedasr.asr.batch import Batch
from fedasr.asr.recogniser import Recogniser
from fedasr.protection.clipping.bounds import Bounds
from fedasr.protection.per_example.clipping import ClippedSum, clipped_gradient_sum
from fedasr.protection.per_example.recording import lane_copy
from fedasr.training.gradients import Loss
from fedasr.training.parameters import ALL


def lane_models(recogniser: Recogniser, count: int) -> tuple[Recogniser, ...]:
    """Return a recogniser for each lane: itself, and others of the same parameters."""
    return recogniser, *(lane_copy(recogniser) for _ in range(count - 1))


def clipped_lanes_sum(
    models: Sequence[Recogniser], loss: Loss, lanes: Sequence[Batch], clip_norm: float | Bounds,
    masks: Sequence[torch.Generator | None], executor: Executor, layers: Sequence[str] = ALL, most_at_once: int = 16,
) -> ClippedSum:  # fmt: skip
    """Return the sum of the clipped gradients of the examples in all lanes, added in the order of the lanes.

    Parameters
    ----------
    models : sequence of Recogniser
        What `lane_models` returned; at least one a lane.
    loss : callable
        One loss an utterance. It is called in several threads, with a recogniser for each.
    lanes : sequence of Batch
        At least one; each may be empty.
    clip_norm : float or Bounds
    masks : sequence of torch.Generator or None
        The source of dropout masks of each lane, at least one a lane.
    executor : Executor
        Computes the lanes.
    layers, most_at_once
        See `fedasr.protection.per_example.clipping.clipped_gradient_sum`.
    """
    jobs = [
        executor.submit(clipped_gradient_sum, model, loss, lane, clip_norm, generator, layers, most_at_once)
        for model, lane, generator in zip(models, lanes, masks, strict=False)
    ]
    return reduce(operator.add, [job.result() for job in jobs])
