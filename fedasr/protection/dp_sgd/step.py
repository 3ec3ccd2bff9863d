"""The private half of a step of DP-SGD, at the centre and inside a silo alike."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fedasr.asr.batch import Batch
from fedasr.asr.recogniser import Recogniser
from fedasr.common.later import LATER
from fedasr.common.randomness import seeded_generator
from fedasr.privacy.noise import Noise
from fedasr.protection.dp_sgd.plan import DPSGDPlan
from fedasr.protection.per_example.lanes import clipped_lanes_sum
from fedasr.training.learner import Learner
from fedasr.training.parameters import ALL, trained_parameters


@dataclass(frozen=True)
class NoisyGradient:
    """One step's release, and what the private side knows about it.

    Attributes
    ----------
    gradient : list of Tensor
        The release: one tensor for each trained parameter. The guarantee covers this alone.
    drawn : int
        Utterances that took part.
    left_out : int
        Those of them whose gradient was not finite and counted zero.
    clipped : float
        The share of the others whose gradient was longer than the clip norm; NaN where there is none.
    loss : float
        The mean loss of the utterances that took part; NaN where there is none.
    """

    gradient: list[Tensor]
    drawn: int
    left_out: int
    clipped: float
    loss: float


class Sampled(NamedTuple):
    """What one step computes with, drawn in this order: utterances, augmentation, masks of each lane; noise is left.

    The lanes are those that have utterances, or one without any. `noise` is where the noise will be drawn from.
    """

    lanes: tuple[Batch, ...]
    masks: tuple[torch.Generator, ...]
    noise: Noise


def sampled(learner: Learner, plan: DPSGDPlan, noise: Noise, lanes: int = 1) -> Sampled:
    """Sample the utterances of a step and make their batch, in lanes.

    Sampling, augmentation, dropout and noise all come from `noise`: who could foresee the first three would know more
    than the guarantee allows for.

    Parameters
    ----------
    learner : Learner
        Its examples, private and public alike, are those that the plan counts and protects.
    plan : DPSGDPlan
    noise : Noise
        `SecureNoise`, or `ReproducibleNoise`, which voids the guarantee.
    lanes : int
        A number of the mathematics, never of the machine.
    """
    examples = learner.examples
    if len(examples) != plan.examples:
        raise ValueError(f"the plan is for {plan.examples} utterances, not {len(examples)}")
    indices = sorted(plan.sample(noise), key=examples.frames)
    varied = np.random.default_rng(noise.seed())
    masks = tuple(seeded_generator(noise.seed(), learner.recogniser.device) for _ in range(lanes))
    parts = [indices[lane::lanes] for lane in range(min(lanes, len(indices)))]
    return Sampled(tuple(learner.batch(part, varied) for part in parts) or (_nobody(),), masks, noise)


def noisy_gradient(
    models: Sequence[Recogniser], learner: Learner, plan: DPSGDPlan, step: Sampled, layers: Sequence[str] = ALL,
    executor: Executor = LATER, most_at_once: int = 16,
) -> NoisyGradient:  # fmt: skip
    """Clip, sum, and add noise. Every call is a release and is charged, even if it replaces one that was lost.

    Parameters
    ----------
    models : sequence of Recogniser
        One a lane: `fedasr.protection.per_example.lanes.lane_models` of the learner's.
    learner : Learner
    plan : DPSGDPlan
    step : Sampled
        What the plan sampled of the learner's examples.
    layers, most_at_once
        See `fedasr.protection.per_example.clipping.clipped_gradient_sum`.
    executor : Executor
        Draws the noise while it computes the lanes: neither asks for the other.
    """
    parameters = list(trained_parameters(learner.recogniser, layers).values())
    values, loss = sum(parameter.numel() for parameter in parameters), learner.objective.losses
    drawn = executor.submit(plan.drawn_noise, values, step.noise)
    total = clipped_lanes_sum(
        models, loss, step.lanes, plan.clip(values), step.masks, executor, layers, most_at_once
    )  # fmt: skip
    noised = plan.noised_mean(total.gradient, drawn.result())
    gradient = [part.to(parameter.dtype) for part, parameter in zip(noised, parameters, strict=True)]
    finite_B = total.norms_B[total.norms_B.isfinite()]
    clipped = float((finite_B > plan.spec.clip_norm).double().mean())
    return NoisyGradient(gradient, len(total.norms_B), total.left_out, clipped, total.loss)


def _nobody() -> Batch:
    none = torch.zeros(0, dtype=torch.long)
    return Batch(torch.zeros(0, 0, 0), none, none.view(0, 0), none)
