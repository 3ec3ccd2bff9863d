"""What a silo does when it is asked to train."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import torch

from fedasr.asr.recogniser import Recogniser
from fedasr.experiment import TrainingSpec
from fedasr.messages import TrainReply, TrainRequest
from fedasr.silo.host import Silo, SiloHost
from fedasr.training.batches import shuffled_batches, training_batch
from fedasr.training.gradients import batch_gradient, clip_norm_


def train(host: SiloHost, silo: Silo, request: TrainRequest) -> TrainReply:
    """Take ``local_steps`` optimizer steps from the given model on the silo's own speech."""
    host.recogniser.load(request.weights)
    loss = local_steps(host, silo, request.round, host.training.local_steps, request.proximal)
    return TrainReply(host.recogniser.weights(), len(silo.speech), loss)


def local_steps(host: SiloHost, silo: Silo, round: int, steps: int, proximal: float = 0.0) -> float:
    """Train the host's recogniser in place and return the mean loss.

    Parameters
    ----------
    host : SiloHost
    silo : Silo
    round : int
        Chooses the random streams and the learning rate.
    steps : int
        Optimizer steps.
    proximal : float
        Strength of the pull towards the weights at the start (FedProx).
    """
    recogniser, spec = host.recogniser, host.training
    optimizer = make_optimizer(recogniser, spec, round)
    anchors = [p.detach().clone() for p in recogniser.parameters()] if proximal else []
    generator = silo.streams.numpy("local", round, silo.number)
    masks = silo.streams.torch("local dropout", round, silo.number)
    losses = []
    for indices in itertools.islice(_batches(silo, spec.batch_size, generator), steps):
        batch = training_batch(silo.speech, indices, host.tokens, host.augment, generator)
        loss, gradient = batch_gradient(recogniser, host.objective, batch, masks)
        clip_norm_(gradient, spec.gradient_norm)
        for number, parameter in enumerate(recogniser.parameters()):
            parameter.grad = gradient[number]
            if proximal:
                parameter.grad.add_(parameter.detach() - anchors[number], alpha=proximal)
        optimizer.step()
        losses.append(loss)
    return float(np.mean(losses))


def _batches(silo: Silo, size: int, generator: np.random.Generator) -> Iterator[list[int]]:
    """Yield batches of pass after pass over the silo's speech."""
    while True:
        yield from shuffled_batches(silo.speech, size, generator)


def make_optimizer(recogniser: Recogniser, spec: TrainingSpec, round: int) -> torch.optim.Optimizer:
    """Return a local optimizer without history, at the learning rate of the round."""
    fallen = (1 - spec.decay) * min((round - 1) / max(spec.rounds - 1, 1), 1.0)
    rate = spec.learning_rate * (1 - fallen)
    if spec.optimizer == "adamw":
        return torch.optim.AdamW(recogniser.parameters(), rate, weight_decay=spec.weight_decay)
    return torch.optim.SGD(recogniser.parameters(), rate, spec.momentum, weight_decay=spec.weight_decay)
