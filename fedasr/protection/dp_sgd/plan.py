"""DP-SGD (Abadi et al. 2016) over utterances: one plan for the sampling, the clipping, the noise and the account."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fedasr.asr.batch import Batch
from fedasr.common.errors import UserError
from fedasr.common.randomness import seeded_generator
from fedasr.common.settings import Mistake, Settings, least, number
from fedasr.privacy.accounting.conversion import Conversion
from fedasr.privacy.accounting.sampled_gaussian import Epsilons, dpsgd_epsilon
from fedasr.privacy.mechanisms.gaussian import SampledGaussian
from fedasr.privacy.noise import Noise
from fedasr.privacy.noise_grid import NoiseGrid
from fedasr.protection.dp_sgd.rounding import clip_within, most_drawn
from fedasr.protection.per_example.clipping import clipped_gradient_sum
from fedasr.training.learner import Learner
from fedasr.training.parameters import ALL, trained_parameters


@dataclass(frozen=True)
class DPSGDSpec(Settings):
    """All that the guarantee depends on, beside the number of utterances (see `DPSGDPlan`).

    Parameters
    ----------
    clip_norm : float
        The largest L2 norm of what one utterance adds to a step's sum.
    noise_multiplier : float
        Standard deviation of the noise on the sum, as a multiple of `clip_norm`.
    batch_size : float
        Utterances expected in a step: the sampling rate times their number, and what the noisy sum is divided by.
    steps : int
    """

    clip_norm: float = least(1.0, 0.0)
    noise_multiplier: float = number(1.0, least=0, below=math.inf)
    batch_size: float = number(16.0, least=1, below=math.inf)
    steps: int = least(100, 0)

    def conflicts(self) -> Iterable[Mistake]:
        """Refuse a sum that no noise hides."""
        if math.isinf(self.clip_norm) and self.noise_multiplier:
            yield Mistake(
                "{0} is infinite, so no noise hides an utterance; make it finite, or the noise 0", ("clip_norm",)
            )

    @property
    def noise_std(self) -> float:
        """The standard deviation of the noise on each coordinate of the sum."""
        return self.noise_multiplier * self.clip_norm if self.noise_multiplier else 0.0


@dataclass(frozen=True)
class DPSGDPlan:
    """The steps that a specification takes over so many utterances, and what they promise.

    Guarantee. Unit: the utterance. Adjacency: add-remove (one utterance is there or is not). Each step draws every
    utterance by an independent coin of probability ``rate`` (Poisson sampling is assumed by the accountant and is
    what `sample` does), adds gradients so clipped that with all rounding one moves the sum by at most C = ``clip_norm``
    (`fedasr.protection.dp_sgd.rounding`), rounds the sum, taken in float64, to a public grid, and adds Gaussian noise
    of standard deviation z·C once to it, z = ``noise_multiplier``, rounded to the grid and drawn exactly. That is the
    output of a `SampledGaussian` of real numbers, rounded (`fedasr.privacy.noise_grid`), a step; they are
    composed over the steps. What is done with the noisy sums afterwards (division by the *expected* batch, momentum,
    Adam, averages of iterates) costs nothing. It holds where the noise is secure, with the number of utterances taken
    as public. One thing in it is measured and not proven: how far an utterance more moves, by float32's rounding, the
    gradients of those that are computed beside it.

    =====================  =======================================================================
    C = 0                  the sum and the noise are zero: nothing is learnt, nothing is revealed
    C infinite             only with z = 0: plain training on Poisson batches, no guarantee
    z = 0                  no guarantee: ε is infinite
    NaN in C or z          refused
    NaN in a gradient      that utterance adds zero to the sum, which C bounds: the guarantee stands
    nobody drawn           the release is noise alone, and is charged like any other
    noise beyond 2,048 zC  cannot come: a mass below 2⁻²⁹⁰⁰
    rate 1                 everyone in every step: the Gaussian mechanism without amplification
    =====================  =======================================================================

    Parameters
    ----------
    spec : DPSGDSpec
    examples : int
        Utterances of the data holder.
    """

    spec: DPSGDSpec
    examples: int

    def __post_init__(self) -> None:
        if self.spec.batch_size > self.examples:
            raise UserError(
                f"'batch_size' is {self.spec.batch_size:g}, more than the {self.examples} utterances; lower it"
            )

    @property
    def rate(self) -> float:
        """The probability that an utterance takes part in a step."""
        return self.spec.batch_size / self.examples

    @property
    def mechanism(self) -> SampledGaussian:
        """One step, as accountants take it."""
        return SampledGaussian(self.spec.noise_multiplier, self.spec.clip_norm, self.rate)

    def epsilon(self, delta: float, steps: int | None = None, conversion: Conversion = "classic") -> Epsilons:
        """Return ε after so many steps (all of them by default), add-remove, by both accountants."""
        return dpsgd_epsilon(self.mechanism, self.spec.steps if steps is None else steps, delta, conversion)

    def sample(self, noise: Noise) -> list[int]:
        """Draw the utterances of one step; there may be none."""
        return [int(index) for index in np.flatnonzero(noise.coins(self.examples, self.rate))]

    def clip(self, values: int) -> float:
        """Return the norm to clip gradients of so many values to: C, less what rounding may add if noise is drawn."""
        spec = self.spec
        most = most_drawn(spec.batch_size, self.examples)
        return clip_within(spec.clip_norm, values, most) if spec.noise_std else spec.clip_norm

    def noised_mean(self, total: Sequence[Tensor], noise: Noise) -> list[Tensor]:
        """Return a sum of clipped gradients, float64, with noise, divided by the expected batch."""
        spec, values = self.spec, sum(part.numel() for part in total)
        if not spec.noise_std:
            return [part / spec.batch_size for part in total]
        grid = NoiseGrid.fine_enough(spec.noise_std, spec.clip_norm, values)
        flat = torch.cat([part.reshape(-1) for part in total])  # drawn together: many tensors are small
        noised = torch.split(_noised(flat, grid, noise).div_(spec.batch_size), [part.numel() for part in total])
        return [part.view(like.shape) for part, like in zip(noised, total, strict=True)]


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


def noisy_gradient(
    learner: Learner, plan: DPSGDPlan, noise: Noise, layers: Sequence[str] = ALL, most_at_once: int = 16
) -> NoisyGradient:
    """Take the private half of one step: sample, clip, sum, add noise. At the centre and inside a silo alike.

    Sampling, augmentation, dropout and noise all come from `noise`: who could foresee the first three would know more
    than the guarantee allows for. Every call is a release and is charged, even if it replaces one that was lost.

    Parameters
    ----------
    learner : Learner
        Its examples, private and public alike, are those that the plan counts and protects.
    plan : DPSGDPlan
    noise : Noise
        `SecureNoise`, or `ReproducibleNoise`, which voids the guarantee.
    layers, most_at_once
        See `fedasr.protection.per_example.clipping.clipped_gradient_sum`.
    """
    examples = learner.examples
    if len(examples) != plan.examples:
        raise ValueError(f"the plan is for {plan.examples} utterances, not {len(examples)}")
    indices = sorted(plan.sample(noise), key=examples.frames)
    varied = np.random.default_rng(noise.seed())
    masks = seeded_generator(noise.seed(), learner.recogniser.device)
    batch = learner.batch(indices, varied) if indices else _nobody()
    recogniser, loss = learner.recogniser, learner.objective.losses
    parameters = list(trained_parameters(recogniser, layers).values())
    clip_norm = plan.clip(sum(parameter.numel() for parameter in parameters))
    total = clipped_gradient_sum(recogniser, loss, batch, clip_norm, masks, layers, most_at_once)
    finite_B = total.norms_B[total.norms_B.isfinite()]
    clipped = float((finite_B > plan.spec.clip_norm).double().mean())
    noised = plan.noised_mean(total.gradient, noise)
    gradient = [part.to(parameter.dtype) for part, parameter in zip(noised, parameters, strict=True)]
    return NoisyGradient(gradient, len(indices), total.left_out, clipped, total.loss)


def _noised(part: Tensor, grid: NoiseGrid, noise: Noise) -> Tensor:
    return torch.from_numpy(grid.noisy(grid.nearest(part.cpu().numpy()), noise)).to(part.device)


def _nobody() -> Batch:
    none = torch.zeros(0, dtype=torch.long)
    return Batch(torch.zeros(0, 0, 0), none, none.view(0, 0), none)
