"""Training by cut gradients, batch after batch, in silos and at the centre."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from fedasr.asr.batch import Batch
from fedasr.common.later import Later
from fedasr.protection.ahead import made_ahead
from fedasr.protection.batchwise import step_of
from fedasr.protection.clipping.bounds import Bounds
from fedasr.protection.clipping.public_norms import PublicNorms
from fedasr.protection.clipping.rule import BoundRule
from fedasr.protection.clipping.taking import Shared, Taking
from fedasr.protection.gradient_plan import GradientPlan
from fedasr.protection.guarantee import Guarantee
from fedasr.protection.step import Dice, Step
from fedasr.training.gradients import Gradient
from fedasr.training.learner import Learner
from fedasr.training.parameters import trained_parameters, with_zeros
from fedasr.training.taken import Taken


@dataclass(frozen=True)
class ClippedGradients(GradientPlan):
    """The mean of the groups' gradients, each cut to a bound, by the groups' shares of the batch.

    It promises nothing: what it bounds, and what not, stands in `fedasr.protection.clipping.sensitivity`. Where
    nothing is cut it is the plain gradient: to the bit for a group of the whole batch, within rounding for others.
    A group whose gradient is not finite counts zero, where plain training would end with weights that are none.

    Parameters
    ----------
    taking : Taking
    rule : BoundRule
    """

    taking: Taking
    rule: BoundRule

    @property
    def guarantee(self) -> Guarantee | None:
        """None: without noise there is no ε."""
        return None

    def gradients(self, learner: Learner, dice: Dice) -> Generator[Step, None, None]:
        """Yield the cut gradient of each batch; the next is made while it is computed.

        Gradients of public speech that the bounds are found by are counted with the first.
        """
        models = self.taking.models(learner.recogniser, len(dice.masks))
        with ThreadPoolExecutor(len(dice.masks) + 1) as threads:
            executor = threads if len(dice.masks) > 1 else Later()  # a silo's own thread, whose seconds are counted
            public = PublicNorms(learner, self.taking, executor)
            bounds, beside, seconds = self._begun(learner, dice, public), public.taken, public.seconds
            for made in made_ahead(learner, dice, partial(self._lanes, learner, dice), threads):
                with learner.only_trained():
                    shared = Shared(made.batch, dice.masks, models, executor)
                    loss, gradient = self._gradient(learner, shared, bounds)
                there = replace(made, place=replace(made.place, bounds=bounds.values))
                step = step_of(learner, there, loss, gradient)
                yield step._replace(seconds=step.seconds + seconds, taken=learner.taken(made.indices) + beside)
                beside, seconds = Taken(), 0.0

    def _begun(self, learner: Learner, dice: Dice, public: PublicNorms) -> Bounds:
        """Return the bounds of a stretch; where it goes on after a break, those that it began with."""
        trained = trained_parameters(learner.recogniser, learner.layers)
        blocks = self.rule.blocks({name: parameter.numel() for name, parameter in trained.items()})
        if dice.place is not None:
            return blocks.with_bounds(dice.place.bounds)
        with learner.only_trained():
            return self.rule.of_stretch(blocks, public)

    def _lanes(self, learner: Learner, dice: Dice, indices: list[int]) -> list[Batch]:
        """Return the parts of a batch, made one after the other: all draw from one generator."""
        return [learner.batch(lane, dice.batches) for lane in self.taking.lanes(indices, len(dice.masks))]

    def _gradient(self, learner: Learner, shared: Shared, bounds: Bounds) -> Gradient:
        groups = self.taking.groups(learner, shared)
        loss, found = groups.cut(self.rule.of_batch(bounds, groups.norms))
        trained = trained_parameters(learner.recogniser, learner.layers)
        parts = [found[name].to(parameter.dtype) for name, parameter in trained.items()]
        return loss, with_zeros(learner.recogniser, learner.layers, parts)
