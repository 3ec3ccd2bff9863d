"""DP-SGD in every data holder of a row: one noise multiplier for all, that which the smallest needs."""

from __future__ import annotations

import math
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial

from fedasr.asr.recogniser import Recogniser
from fedasr.common.errors import RowError, UserError
from fedasr.common.later import LATER
from fedasr.protection.ahead import one_ahead
from fedasr.protection.dp_sgd.descent import DescentSpec, NoisyDescent
from fedasr.protection.dp_sgd.plan import DPSGDPlan, DPSGDSpec
from fedasr.protection.dp_sgd.settings import DPSGDSettings
from fedasr.protection.dp_sgd.step import Sampled, noisy_gradient, sampled
from fedasr.protection.gradient_plan import GradientPlan
from fedasr.protection.guarantee import Guarantee
from fedasr.protection.per_example.lanes import lane_models
from fedasr.protection.step import Dice, Step
from fedasr.protection.trust import Trust
from fedasr.training.batches import seconds_of
from fedasr.training.descent import Descent
from fedasr.training.learner import Learner
from fedasr.training.parameters import with_zeros

IN_SILOS = Trust(
    "each silo is trusted with its own speech alone; who sees what a single silo sends, the server included, is "
    "guarded against, but for how many utterances the silo holds"
)

IN_A_SILO, IN_A_LANE = 16, 24
"""Utterances whose gradients are in memory together, in a silo and in each lane of the centre.

Half of the 32 that a step draws by default are seldom more than 24: a lane is seldom cut in two, of which each costs a
pass through time.
"""


@dataclass(frozen=True)
class SizedDPSGD(GradientPlan):
    """DP-SGD for data holders of at least so many utterances.

    Guarantee: unit utterance, add-remove. Data holders have different utterances, so the row promises what its
    weakest one does: the one whose utterances are sampled most often. Each message of a silo, and each release of
    the centre, pays for the steps behind it.

    Parameters
    ----------
    settings : DPSGDSettings
    smallest : int
        Utterances of the smallest data holder; taken as public.
    steps : int
        That every data holder takes in all.
    """

    settings: DPSGDSettings
    smallest: int
    steps: int

    @cached_property
    def noise_multiplier(self) -> float:
        """The least noise that keeps the target.

        Raises
        ------
        RowError
            Where a batch is larger than the smallest data holder, or no noise keeps the target.
        """
        try:
            return self.settings.multiplier(self.steps, self.settings.batch_size / max(self.smallest, 1))
        except UserError as error:
            raise RowError(str(error)) from error

    @property
    def has_guarantee(self) -> bool:
        """Always; no noise is planned for the answer, for a batch may be larger than any silo and the centre train."""
        return True

    @property
    def guarantee(self) -> Guarantee:
        """The steps of the smallest data holder."""
        mechanism = self.of_size(self.smallest).mechanism
        sampling = ("poisson", "poisson")
        return Guarantee("utterance", "add-remove", self.settings.delta, sampling, mechanism, self.steps, IN_SILOS)

    def of_size(self, utterances: int) -> DPSGDPlan:
        """Return the plan of a data holder of some size.

        Raises
        ------
        RowError
            Where it has fewer utterances than the smallest: they would be sampled more often than is accounted for.
        """
        if utterances < self.smallest:
            raise RowError(f"the noise is for {self.smallest} utterances and more, and {utterances} are learnt from")
        settings = self.settings
        spec = DPSGDSpec(settings.clip_norm, self.noise_multiplier, settings.batch_size)
        try:
            return DPSGDPlan(spec, utterances)
        except UserError as error:
            raise RowError(str(error)) from error

    def gradients(self, learner: Learner, dice: Dice) -> Generator[Step, None, None]:
        """Yield noisy gradients, with the seconds that a step is expected to read and no loss: none is covered.

        Where there are several lanes, they are computed side by side, and the next step is sampled meanwhile.
        """
        plan, layers, lanes = self.of_size(len(learner.examples)), self.settings.layers, len(dice.masks)
        seconds, models = plan.rate * seconds_of(learner.examples), lane_models(learner.recogniser, lanes)
        at_once = IN_A_SILO if lanes == 1 else IN_A_LANE
        with LATER if lanes == 1 else ThreadPoolExecutor(lanes + 2) as executor:
            sample = partial(_sampled, learner, plan, dice)
            for step in one_ahead(sample, dice.steps, executor):
                taken = noisy_gradient(models, learner, plan, step, layers, executor, at_once)
                gradient = with_zeros(learner.recogniser, layers, taken.gradient)
                yield Step(seconds, math.nan, gradient, learner.expected(self.settings.batch_size))

    def descent(self, recogniser: Recogniser, plain: Descent) -> Descent:
        """Return an optimizer for noisy gradients."""
        settings = self.settings
        spec = DescentSpec(
            settings.optimizer, settings.learning_rate, settings.momentum, settings.decay, settings.layers,
        )  # fmt: skip
        return NoisyDescent(recogniser, spec, self.steps)


def _sampled(learner: Learner, plan: DPSGDPlan, dice: Dice, step: int) -> Sampled:
    return sampled(learner, plan, dice.noise("dp-sgd", step), len(dice.masks))
