"""AdaMix in every data holder of a row."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from torch import Tensor

from fedasr.asr.recogniser import Recogniser
from fedasr.common.later import LATER
from fedasr.privacy.mechanisms.gaussian import THRESHOLD, SampledGaussian
from fedasr.protection.adamix.mixing import mixed
from fedasr.protection.adamix.public import NOBODY, PublicBatch, PublicGradients, public_batch
from fedasr.protection.adamix.pull import PulledDescent
from fedasr.protection.adamix.settings import AdaMixSettings
from fedasr.protection.adamix.speech import private_alone
from fedasr.protection.adamix.threshold import threshold_of
from fedasr.protection.ahead import one_ahead
from fedasr.protection.dp_sgd.plan import DPSGDPlan
from fedasr.protection.dp_sgd.sized import IN_A_LANE, IN_A_SILO, SizedDPSGD
from fedasr.protection.dp_sgd.step import Sampled, noisy_gradient, sampled
from fedasr.protection.guarantee import Guarantee
from fedasr.protection.per_example.lanes import lane_models
from fedasr.protection.step import Dice, Step
from fedasr.training.batches import seconds_of
from fedasr.training.descent import Descent
from fedasr.training.learner import Learner
from fedasr.training.parameters import with_zeros
from fedasr.training.taken import Taken


class MadeHalves(NamedTuple):
    """What a step computes with."""

    private: Sampled
    public: PublicBatch


@dataclass(frozen=True)
class SizedAdaMix(SizedDPSGD):
    """AdaMix (Golatkar et al., CVPR 2022, arXiv 2203.11481) for data holders of at least so many utterances.

    Guarantee: that of DP-SGD (`DPSGDPlan`): unit utterance of the private speech, add-remove, with public speech, be it
    pooled or not, taken as known to everybody. A step t has a threshold C_t. Its private half is DP-SGD's with C_t in
    the place of C: the sum of gradients cut to C_t and noise of standard deviation z·C_t, z the same in all steps. In
    units of C_t that is one `SampledGaussian` of multiplier z and clip norm 1, and so it is charged, whatever C_t is:
    C_t is known before private speech is touched, since it is made of public utterances, of public chance, and of the
    weights, which are public numbers and past releases. Composition is adaptive, so it holds for mechanisms that are
    chosen by earlier releases. What follows the noise (projection on a subspace that is made of the same things, the
    public gradient, the pull, the optimizer) is post-processing. ε is the same with and without each of them. Private
    norms never leave the clipper.

    ======================  ==================================================================
    C_t = 0                 the private half is zero: nothing is learnt of it, nothing revealed
    no public gradient is   C_t = 0 by a quantile; the subspace holds zero alone; the mean is
    finite                  zero
    fewer directions than   the subspace is the span of what there is
    `subspace`
    z = 0                   no guarantee: ε is infinite
    ======================  ==================================================================

    Parameters
    ----------
    settings : AdaMixSettings
    smallest : int
        Private utterances of the smallest data holder; taken as public.
    steps : int
        That every data holder takes in all.
    """

    settings: AdaMixSettings

    @property
    def guarantee(self) -> Guarantee:
        """The steps of the smallest data holder, in units of the threshold unless that is fixed."""
        plain, clip_norm = super().guarantee, self.settings.rule.known
        assert isinstance(plain.mechanism, SampledGaussian)
        of_step = {"clip_unit": THRESHOLD} if clip_norm is None else {"clip_norm": clip_norm}
        return replace(plain, mechanism=replace(plain.mechanism, **of_step))

    def of_size(self, utterances: int) -> DPSGDPlan:
        """Return the plan of a data holder of some size, in units of the threshold."""
        return with_threshold(super().of_size(utterances), 1.0)

    def gradients(self, learner: Learner, dice: Dice) -> Generator[Step, None, None]:
        """Yield mixed gradients, with the seconds that a step is expected to read and no loss: none is covered.

        The public batch is drawn from ``dice.batches``, its dropout masks from ``dice.masks``; what is private is drawn
        as DP-SGD draws it, from the same source in the same order.
        """
        alone, settings, lanes = private_alone(learner), self.settings, len(dice.masks)
        plan, models = self.of_size(len(alone.examples)), lane_models(learner.recogniser, lanes)
        seconds, expected = plan.rate * seconds_of(alone.examples), alone.expected(settings.batch_size)
        with LATER if lanes == 1 else ThreadPoolExecutor(lanes + 2) as executor:
            for made in one_ahead(partial(self._made, learner, alone, plan, dice), dice.steps, executor):
                public = PublicGradients.of(models, learner, made.public, settings.layers, dice.masks, executor)
                gradient = self._mixed(models, alone, plan, made.private, public, executor)
                yield Step(
                    seconds + made.public.seconds, math.nan, with_zeros(learner.recogniser, settings.layers, gradient),
                    expected + Taken(0, len(made.public)),
                )  # fmt: skip

    def _made(self, learner: Learner, alone: Learner, plan: DPSGDPlan, dice: Dice, step: int) -> MadeHalves:
        settings, lanes = self.settings, len(dice.masks)
        private = sampled(alone, plan, dice.noise("dp-sgd", step), lanes)
        if not settings.needs_public:
            return MadeHalves(private, NOBODY)
        return MadeHalves(private, public_batch(learner, settings.public_batch, lanes, dice.batches))

    def _mixed(
        self, models: Sequence[Recogniser], alone: Learner, plan: DPSGDPlan, private: Sampled, public: PublicGradients,
        executor: Executor,
    ) -> list[Tensor]:  # fmt: skip
        settings, at_once = self.settings, IN_A_SILO if len(models) == 1 else IN_A_LANE
        bounded = with_threshold(plan, threshold_of(settings.rule, public.norms_B))
        taken = noisy_gradient(models, alone, bounded, private, settings.layers, executor, at_once)
        return mixed(taken.gradient, public, settings.subspace, settings.public_weight)

    def descent(self, recogniser: Recogniser, plain: Descent) -> Descent:
        """Return DP-SGD's, pulled towards the weights that the recogniser has by now."""
        descent, settings = super().descent(recogniser, plain), self.settings
        return PulledDescent(recogniser, descent, settings.pull, settings.layers) if settings.pull else descent


def with_threshold(plan: DPSGDPlan, threshold: float) -> DPSGDPlan:
    """Return a plan of the same multiplier that clips at another norm."""
    return replace(plan, spec=replace(plan.spec, clip_norm=threshold))
