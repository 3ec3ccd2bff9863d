"""What a silo does when it is asked to train."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import torch
from flwr.app import ArrayRecord, RecordDict

from fedasr.asr.recogniser import Recogniser
from fedasr.common.errors import RowError
from fedasr.experiment.training import TrainingSpec
from fedasr.messages.records import array_record, arrays_of
from fedasr.messages.train_reply import TrainReply
from fedasr.messages.train_request import TrainRequest
from fedasr.protection.step import Step
from fedasr.silo.host import SiloHost
from fedasr.silo.silo import Silo
from fedasr.training.gradients import clip_norm_
from fedasr.training.iterates import IterateMean, counts
from fedasr.training.losses import mean_of_known
from fedasr.training.optimizer_state import moments_of, restore_moments
from fedasr.training.parameters import ALL, chosen_names, zero_untrained_
from fedasr.training.taken import noted

MOMENTS = "optimizer"
"""The record of a silo's state that holds its optimizer's moments."""
Correction = Callable[[Mapping[str, torch.Tensor]], None]
"""Changes a clipped gradient, by parameter, in place, at the weights that the recogniser has by then."""


@dataclass(frozen=True)
class Trained:
    """What local training did.

    Attributes
    ----------
    loss : float or None
        Mean, in nats a token; NaN where nothing could be learnt, None where a guarantee does not cover it.
    audio_seconds : float
        Seconds of speech it read.
    steps : int
        Optimizer steps.
    """

    loss: float | None
    audio_seconds: float
    steps: int = 0


def train(host: SiloHost, silo: Silo, request: TrainRequest, state: RecordDict) -> TrainReply:
    """Take the local steps from the given model on the silo's own speech; what was not trained stays there."""
    host.recogniser.load(request.weights)
    trained = local_steps(host, silo, request, state if request.keep_optimizer else None)
    weights = host.recogniser.weights()
    arrays = {name: weights[name] for name in chosen_names(weights, request.layers or ALL)}
    return TrainReply(
        arrays, len(silo.speech), trained.loss, told_heard(host, trained.audio_seconds),
        speech_seconds=told_seconds(host, silo, request),
    )  # fmt: skip


def local_steps(
    host: SiloHost, silo: Silo, request: TrainRequest, state: RecordDict | None = None,
    correct: Correction | None = None, stretch: int = 0, iterates: IterateMean | None = None,
) -> Trained:  # fmt: skip
    """Train the host's recogniser in place.

    Parameters
    ----------
    host : SiloHost
    silo : Silo
    request : TrainRequest
        Its round chooses the learning rate, that of the exchange the random streams; ``proximal`` is the strength of
        the pull towards the weights at the start (FedProx); for the steps see `steps_asked`.
    state : RecordDict, optional
        Where the optimizer's moments of the round before are found, and left for the next.
    correct : callable, optional
        Changes each gradient, after it was clipped.
    stretch : int
        Tells stretches of training in one round apart: each draws batches, masks and noise of its own.
    iterates : IterateMean, optional
        The weights after each step of the last third are added to it.
    """
    recogniser, spec, proximal = host.recogniser, host.training, request.proximal
    optimizer, rate = make_optimizer(recogniser, spec, request.round), learning_rate(spec, request.round)
    if state is not None:
        _load_moments(optimizer, recogniser, state)
    anchors = [p.detach().clone() for p in recogniser.parameters()] if proximal else []
    losses, audio_seconds = [], 0.0
    layers, steps = request.layers or ALL, steps_asked(host, silo, request)
    for step in gradients(host, silo, request.dice, steps, layers, stretch):
        gradient = step.gradient
        is_trained = zero_untrained_(recogniser, gradient, layers)
        clip_norm_(gradient, spec.gradient_norm)
        if correct is not None:
            correct(_named(recogniser, gradient, is_trained))
        for number, parameter in enumerate(recogniser.parameters()):
            parameter.grad = gradient[number] if is_trained[number] else None
            if proximal and parameter.grad is not None:
                parameter.grad.add_(parameter.detach() - anchors[number], alpha=proximal)
        for group in optimizer.param_groups:
            group["lr"] = rate * step.rate
        optimizer.step()
        losses.append(step.loss)
        audio_seconds += step.seconds
        if iterates is not None and counts(len(losses), steps):
            iterates.add(recogniser.weights())
    if state is not None:
        _save_moments(optimizer, recogniser, state)
    return Trained(told_loss(host, losses), audio_seconds, len(losses))


def _named(
    recogniser: Recogniser, gradient: Sequence[torch.Tensor], is_trained: Sequence[bool]
) -> dict[str, torch.Tensor]:
    names = (name for name, _ in recogniser.named_parameters())
    return {name: part for name, part, chosen in zip(names, gradient, is_trained, strict=True) if chosen}


def steps_asked(host: SiloHost, silo: Silo, request: TrainRequest) -> int:
    """Return the optimizer steps that a request asks a silo for, by default the row's.

    An epoch is one pass over what the silo learns from (McMahan et al. 2017, Algorithm 1): the more speech it holds,
    the more steps it takes.
    """
    if request.steps:
        return request.steps
    epochs = request.epochs or host.training.local_epochs
    return epochs * host.learner(silo).steps if epochs else host.training.local_steps


def told_seconds(host: SiloHost, silo: Silo, request: TrainRequest) -> float | None:
    """Return how much speech a silo has, where a request asks for that.

    Raises
    ------
    RowError
        Under a guarantee: one utterance more or less changes the sum, and nobody pays for that.
    """
    if not request.tell_seconds:
        return None
    if host.plan.guarantee is not None:
        raise RowError("a silo's seconds of speech are covered by no guarantee; set weighting = 'uniform'")
    return silo.speech.seconds


def told_heard(host: SiloHost, audio_seconds: float) -> float | None:
    """Return how many seconds of speech training read; None where it must not be told, since no guarantee covers it."""
    return None if host.is_guarded else audio_seconds


def told_loss(host: SiloHost, losses: Sequence[float]) -> float | None:
    """Return the mean loss of some steps; None where it must not be told, since no guarantee covers it."""
    loss = mean_of_known(losses)
    return None if math.isnan(loss) and host.plan.guarantee is not None else loss


def _load_moments(optimizer: torch.optim.Optimizer, recogniser: Recogniser, state: RecordDict) -> None:
    record = state.get(MOMENTS)
    if isinstance(record, ArrayRecord):
        restore_moments(optimizer, _numbered(recogniser), {_turned(n): a for n, a in arrays_of(record).items()})


def _save_moments(optimizer: torch.optim.Optimizer, recogniser: Recogniser, state: RecordDict) -> None:
    kept = moments_of(optimizer, _numbered(recogniser))
    if kept:
        state[MOMENTS] = array_record({_turned(name): array for name, array in kept.items()})


def _numbered(recogniser: Recogniser) -> dict[str, torch.nn.Parameter]:
    return {str(number): parameter for number, parameter in enumerate(recogniser.parameters())}


def _turned(name: str) -> str:
    """In a silo's state the number of the parameter comes first, as torch's own dictionaries have it."""
    return "/".join(reversed(name.split("/")))


def gradients(
    host: SiloHost, silo: Silo, round: int, steps: int, layers: tuple[str, ...] = ALL, stretch: int = 0
) -> Iterator[Step]:
    """Yield so many gradients at the recogniser's weights: everything that a silo trains goes through here.

    What is not among the layers is not differentiated, and its gradient is of no use.
    """
    rounds = host.training.rounds
    done = min(max(round - 1, 0), rounds - 1)
    learner = host.learner(silo, layers).at(done / rounds, (done + 1) / rounds)
    dice = replace(host.dice(silo, round, stretch), steps=steps)
    with closing(host.plan.gradients(learner, dice)) as found:
        for step in itertools.islice(found, steps):
            noted(step.taken, step.seconds)
            yield step


def make_optimizer(recogniser: Recogniser, spec: TrainingSpec, round: int) -> torch.optim.Optimizer:
    """Return a local optimizer without history, at the learning rate of the round."""
    rate = learning_rate(spec, round)
    if spec.optimizer == "adamw":
        return torch.optim.AdamW(recogniser.parameters(), rate, weight_decay=spec.weight_decay)
    return torch.optim.SGD(recogniser.parameters(), rate, spec.momentum, weight_decay=spec.weight_decay)


def learning_rate(spec: TrainingSpec, round: int) -> float:
    """Return the local learning rate of a round: it falls linearly to the share ``decay`` of itself."""
    fallen = (1 - spec.decay) * min(max(round - 1, 0) / max(spec.rounds - 1, 1), 1.0)
    return spec.learning_rate * (1 - fallen)
