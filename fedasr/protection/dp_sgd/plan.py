"""DP-SGD (Abadi et al. 2016) over utterances: one plan for the sampling, the clipping, the noise and the account."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedasr.common.errors import UserError
from fedasr.common.settings import Mistake, Settings, least, number
from fedasr.privacy.accounting.conversion import Conversion
from fedasr.privacy.accounting.sampled_gaussian import Epsilons, dpsgd_epsilon
from fedasr.privacy.mechanisms.gaussian import SampledGaussian
from fedasr.privacy.noise import Noise
from fedasr.privacy.noise_grid import NoiseGrid
from fedasr.protection.dp_sgd.rounding import clip_within, most_drawn

WholeSteps = NDArray[np.int64]
"""Multiples of a grid's step."""


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
    as public. It holds whatever the lanes are: which lane an utterance is in, and which dropout masks it gets, changes
    with who else is drawn, its gradient's distribution does not (`clipped_gradient_sum`). One thing in it is measured
    and not proven: how far an utterance more moves, by float32's rounding, the gradients of those that are computed
    beside it, or in another lane.

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

    def grid(self, values: int) -> NoiseGrid:
        """Return the grid on which sums of so many values are released; there is one only where noise is drawn."""
        return NoiseGrid.fine_enough(self.spec.noise_std, self.spec.clip_norm, values)

    def drawn_noise(self, values: int, noise: Noise) -> WholeSteps | None:
        """Draw the noise of so many values, in whole steps of the grid, whatever the sum is; None without noise."""
        return noise.rounded_normal(values, self.grid(values).places) if self.spec.noise_std else None

    def noised_mean(self, total: Sequence[Tensor], drawn: WholeSteps | None) -> list[Tensor]:
        """Return a sum of clipped gradients, float64, with its `drawn_noise`, divided by the expected batch."""
        if drawn is None:
            return [part / self.spec.batch_size for part in total]
        flat, grid = torch.cat([part.reshape(-1) for part in total]), self.grid(len(drawn))
        whole = grid.nearest(flat.cpu().numpy()).astype(np.int64) + drawn
        noised = torch.from_numpy(grid.worth(whole)).div_(self.spec.batch_size).to(flat.device)
        parts = torch.split(noised, [part.numel() for part in total])
        return [part.view(like.shape) for part, like in zip(parts, total, strict=True)]
