"""Gradients of a batch, computed in lanes: threads whose number changes the time and not the bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor

import torch
from torch import Tensor

from fedasr.asr.batch import Batch
from fedasr.asr.recogniser import Recogniser
from fedasr.training.losses import mean_loss_of, weighted_mean_of_known

Loss = Callable[[Recogniser, Batch, torch.Generator | None], Tensor]
"""From a recogniser, a batch and the source of dropout masks to one loss an utterance, shape (batch,)."""
Gradient = tuple[float, list[Tensor]]
"""A mean loss, and its gradient: one tensor a parameter."""
LANES = 2
"""Parts of a central batch. A constant of the mathematics, not of the machine: sums run in lane order."""


def batch_gradient(recogniser: Recogniser, loss: Loss, batch: Batch, generator: torch.Generator | None) -> Gradient:
    """Return the mean loss of a batch and its gradient, one tensor a parameter.

    The loss is the mean over what can be learnt, NaN where nothing can; the gradient is that of the whole batch, to
    which the others contribute zero.

    What is not trained (see `fedasr.training.parameters.only_trained`) has a gradient of zeros, and is not
    differentiated: below the lowest layer that is trained nothing is remembered for a backward pass. So has what the
    loss has nothing to do with.
    """
    losses_B = loss(recogniser, batch, generator)
    parameters = list(recogniser.parameters())
    trained = [p for p in parameters if p.requires_grad]
    found = iter(torch.autograd.grad(losses_B.mean(), trained, allow_unused=True, materialize_grads=True))
    gradient = [next(found) if p.requires_grad else torch.zeros_like(p) for p in parameters]
    return mean_loss_of(losses_B, recogniser, batch), gradient


def lanes_gradient(
    take: Callable[[Batch, torch.Generator | None], Gradient], lanes: Sequence[Batch],
    generators: Sequence[torch.Generator | None], executor: Executor,
) -> Gradient:  # fmt: skip
    """Return the mean loss over all lanes and its gradient.

    Parameters
    ----------
    take : callable
        Returns the mean loss of one lane and its gradient, given the source of dropout masks.
    lanes : sequence of Batch
        The parts of the batch.
    generators : sequence of torch.Generator or None
        The source of dropout masks of each lane.
    executor : Executor
        Threads that compute lanes side by side.
    """
    jobs = [executor.submit(take, lane, generator) for lane, generator in zip(lanes, generators, strict=True)]
    results = [job.result() for job in jobs]
    total = sum(len(lane) for lane in lanes)
    shares = [len(lane) / total for lane in lanes]
    loss = weighted_mean_of_known([result[0] for result in results], shares)
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
