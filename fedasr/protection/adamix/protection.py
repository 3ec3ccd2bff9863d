"""AdaMix as a protection: ``protection = "adamix"``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fedasr.protection.adamix.settings import AdaMixSettings
from fedasr.protection.adamix.speech import labelled_public, private_alone
from fedasr.protection.dp_sgd.protection import DPSGD
from fedasr.protection.gradient_plan import GradientPlan
from fedasr.training.batches import seconds_of
from fedasr.training.course import Course
from fedasr.training.learner import Learner
from fedasr.training.taken import Taken


@dataclass(frozen=True)
class AdaMix(AdaMixSettings, DPSGD):
    """AdaMix over utterances, at the centre or in the silos; what it promises: `fedasr.protection.adamix.sized`.

    Public speech is public, also where it is pooled with private speech.

    Parameters
    ----------
    epsilon, delta, noise_multiplier, batch_size, steps
        What the guarantee depends on; see `DPSGDSettings`. A batch is of private utterances.
    bound : str
        Where a step's threshold comes from, to which private gradients are clipped: ``"public-quantile"`` of the norms
        of its public gradients, or ``"fixed"``. The noise is in proportion to it.
    clip_norm : float
        The threshold that is fixed.
    quantile : float
    public_batch : int
        Labelled public utterances that a step draws.
    subspace : int
        Dimensions of the span of a step's public gradients on which the noisy gradient is projected; 0 for none.
    public_weight : float
        The factor of the mean public gradient, which is added; 0 for none.
    pull : float
        The factor of the way from the weights that the row begins from, which is added to the gradient at the centre; 0
        for none.
    optimizer, learning_rate, momentum, decay, layers
        What is done with mixed gradients; see `DPSGDSettings`.
    """

    @property
    def directions(self) -> tuple[int, int] | None:
        """Those of a step."""
        return (self.subspace, self.public_batch) if self.subspace else None

    def said(self, at_centre: bool) -> Mapping[str, str]:
        """Return what `DPSGD` says, with the threshold's rule and the public utterances."""
        said = {**super().said(at_centre), "clip": f"{self.rule.said()} an utterance"}
        beside = f" and {self.public_batch} public" if self.needs_public else ""
        return {**said, "batch": f"{said['batch']}{beside}"}

    def course(self, learner: Learner, epochs: int) -> Course:
        """Return the steps of the centre.

        Raises
        ------
        RowError
            Where it holds too little public speech.
        """
        private, plain = private_alone(learner).examples, super().course(learner, epochs)
        steps, beside = self.steps / len(plain.ends), self.public_batch if self.needs_public else 0
        seconds = self.batch_size * seconds_of(private) / len(private)
        if beside:
            public = labelled_public(learner, beside)
            seconds += beside * seconds_of(public) / len(public)
        share = steps * seconds / seconds_of(learner.examples)
        return Course(plain.ends, share, Taken(steps * self.batch_size, steps * beside))

    def plan(self, private: int, public: int, steps: int) -> GradientPlan:
        """Return AdaMix with the noise that the private speech of the smallest data holder needs."""
        from fedasr.protection.adamix.sized import SizedAdaMix  # Opacus, below it, takes seconds to import

        return SizedAdaMix(self, private, steps)
