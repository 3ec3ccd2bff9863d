"""What a silo does when it is asked for a gradient: the change that one step of SGD would make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from flwr.app import ArrayRecord, RecordDict
from numpy.typing import NDArray

from fedasr.common.errors import RowError
from fedasr.messages.records import CHANGE, array_record, arrays_of
from fedasr.messages.train_reply import TrainReply
from fedasr.messages.train_request import TrainRequest
from fedasr.silo.host import SiloHost
from fedasr.silo.silo import Silo
from fedasr.silo.train import gradients, learning_rate, told_heard, told_loss, told_seconds
from fedasr.training.gradients import clip_norm_
from fedasr.training.parameters import ALL, chosen_names, zero_untrained_

VELOCITY = "velocity"
"""The record of a silo's state that holds its momentum."""
Arrays = dict[str, NDArray[np.floating]]


def change(host: SiloHost, silo: Silo, request: TrainRequest, state: RecordDict) -> TrainReply:
    """Return minus the learning rate times the mean gradient of ``accumulate`` mini-batches, clipped.

    With local momentum the velocity ``v ← momentum · v + gradient`` stands for the gradient and stays in
    the silo (momentum correction, Lin et al. 2018): the mean over silos is what a server's momentum would
    give, and what travels stays as sparse as the codec makes it.

    Raises
    ------
    RowError
        For a local optimizer other than SGD, whose step is not a sum over silos, and for accumulated gradients
        under a protection.
    """
    spec = host.training
    if spec.optimizer != "sgd" or spec.weight_decay:
        raise RowError("gradients are exchanged for SGD without weight decay; set training.optimizer = 'sgd'")
    if request.accumulate > 1 and host.plan.guarantee is not None:
        raise RowError("under protection a message pays for one noisy gradient; set accumulate = 1")
    host.recogniser.load(request.weights)
    mean, losses, audio_seconds = _mean_gradient(host, silo, request)
    zero_untrained_(host.recogniser, mean, request.layers or ALL)
    clip_norm_(mean, spec.gradient_norm)
    names = [name for name, _ in host.recogniser.named_parameters()]
    named = dict(zip(names, (part.cpu().numpy() for part in mean), strict=True))
    step = _with_momentum(named, spec.momentum, state)
    rate = -learning_rate(spec, request.round)
    chosen = chosen_names(request.weights, request.layers or ALL)
    arrays = {name: np.multiply(step[name], rate, dtype=step[name].dtype) for name in chosen}
    return TrainReply(
        arrays, len(silo.speech), told_loss(host, losses), told_heard(host, audio_seconds), CHANGE,
        told_seconds(host, silo, request),
    )  # fmt: skip


def _mean_gradient(
    host: SiloHost, silo: Silo, request: TrainRequest
) -> tuple[Sequence[torch.Tensor], list[float], float]:
    total: list[torch.Tensor] = []
    losses, audio_seconds = [], 0.0
    for step in gradients(host, silo, request.dice, request.accumulate, request.layers or ALL):
        weighed = step.gradient if step.rate == 1 else [part.mul_(step.rate) for part in step.gradient]
        total = [a.add_(b) for a, b in zip(total, weighed, strict=True)] if total else weighed
        losses.append(step.loss)
        audio_seconds += step.seconds
    return [part.div_(request.accumulate) for part in total], losses, audio_seconds


def _with_momentum(gradient: Mapping[str, NDArray[np.floating]], momentum: float, state: RecordDict) -> Arrays:
    if momentum == 0:
        return dict(gradient)
    record = state.get(VELOCITY)
    before = arrays_of(record) if isinstance(record, ArrayRecord) else {}
    velocity = {
        name: np.add(part, np.multiply(before.get(name, 0), momentum, dtype=part.dtype), dtype=part.dtype)
        for name, part in gradient.items()
    }
    state[VELOCITY] = array_record(velocity)
    return velocity
