"""Gradients of a batch, computed in lanes: threads whose number changes the time and not the bits."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

import torch
from torch import Tensor

from fedasr.asr.batch import Batch
from fedasr.asr.recogniser import Recogniser
from fedasr.training.objectives.supervised import Objective

LANES = 2
"""Parts of a central batch. A constant of the mathematics, not of the machine: sums run in lane order."""


def batch_gradient(
    recogniser: Recogniser, objective: Objective, batch: Batch, generator: torch.Generator | None
) -> tuple[float, list[Tensor]]:
    """Return the mean loss of a batch and its gradient, one tensor a parameter.

    What is not trained (see `fedasr.training.parameters.only_trained`) has a gradient of zeros, and is not
    differentiated: below the lowest layer that is trained nothing is remembered for a backward pass.
    """
    loss = objective(recogniser, batch, generator).mean()
    parameters = list(recogniser.parameters())
    found = iter(torch.autograd.grad(loss, [p for p in parameters if p.requires_grad]))
    return float(loss.detach()), [next(found) if p.requires_grad else torch.zeros_like(p) for p in parameters]


def lanes_gradient(
    recogniser: Recogniser, objective: Objective, lanes: Sequence[Batch],
    generators: Sequence[torch.Generator], executor: Executor,
) -> tuple[float, list[Tensor]]:  # fmt: skip
    """Return the mean loss over all lanes and its gradient.

    Parameters
    ----------
    lanes : sequence of Batch
        The parts of the batch.
    generators : sequence of torch.Generator
        The source of dropout masks of each lane.
    executor : Executor
        Threads that compute lanes side by side.
    """
    jobs = [
        executor.submit(batch_gradient, recogniser, objective, lane, generator)
        for lane, generator in zip(lanes, generators, strict=True)
    ]
    results = [job.result() for job in jobs]
    total = sum(len(lane) for lane in lanes)
    shares = [len(lane) / total for lane in lanes]
    loss = sum(share * result[0] for share, result in zip(shares, results, strict=True))
    gradient = [part * shares[0] for part in results[0][1]]
    for share, (_, parts) in zip(shares[1:], results[1:], strict=True):
        for sum_so_far, part in zip(gradient, parts, strict=True):
            sum_so_far.add_(part, alpha=share)
    return loss, gradient


def clip_norm_(gradient: Sequence[Tensor], largest: float) -> float:
    """Scale a gradient down, in place, to a largest global L2 norm; return the norm it had."""
    norm = float(torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradient])))
    if norm > largest:
        for part in gradient:
            part.mul_(largest / norm)
    return norm
