"""A silo's gradients under DP-SGD: what leaves the silo is made of these alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch

from fedasr.privacy.mechanisms.gaussian import SampledGaussian
from fedasr.protection.dp_sgd.plan import DPSGDPlan, DPSGDSpec, noisy_gradient
from fedasr.protection.dp_sgd.settings import ProtectionSpec
from fedasr.silo.host import SiloHost
from fedasr.silo.silo import Silo
from fedasr.training.batches import seconds_of
from fedasr.training.parameters import trained_parameters


@dataclass(frozen=True)
class SiloProtection:
    """DP-SGD in every silo of a row, one noise multiplier for all: that which the smallest silo needs.

    Guarantee: unit utterance, add-remove. Silos hold different utterances, so the row promises what its weakest
    silo does: the one whose utterances are sampled most often. Each message pays for the steps behind it.

    Parameters
    ----------
    spec : ProtectionSpec
    smallest_silo : int
        Utterances; taken as public.
    steps : int
        That every silo takes in all.
    """

    spec: ProtectionSpec
    smallest_silo: int
    steps: int

    @cached_property
    def noise_multiplier(self) -> float:
        """The least noise that keeps the target.

        Raises
        ------
        UserError
            Where a batch is larger than the smallest silo.
        """
        return self.spec.multiplier(self.steps, self.spec.batch_size / self.smallest_silo)

    @property
    def delta(self) -> float:
        """Of the guarantee."""
        return self.spec.delta

    @property
    def mechanism(self) -> SampledGaussian:
        """One step of the smallest silo."""
        return self.plan(self.smallest_silo).mechanism

    def plan(self, utterances: int) -> DPSGDPlan:
        """Return the plan of a silo of some size."""
        spec = self.spec
        return DPSGDPlan(DPSGDSpec(spec.clip_norm, self.noise_multiplier, spec.batch_size), utterances)


def noisy_gradients(
    host: SiloHost, silo: Silo, protection: SiloProtection, round: int, steps: int
) -> Iterator[tuple[float, float, list[torch.Tensor]]]:
    """Yield for each step the expected seconds of speech, no loss (NaN: none is covered), and the noisy gradient."""
    learner = host.learner(silo)
    plan, recogniser = protection.plan(len(learner.examples)), learner.recogniser
    total = seconds_of(learner.examples)
    layers = protection.spec.layers
    for step in range(steps):
        noise = host.noise(silo, f"dp-sgd {round} {step}")
        taken = noisy_gradient(learner, plan, noise, layers)
        found: Mapping[str, torch.Tensor] = dict(
            zip(trained_parameters(recogniser, layers), taken.gradient, strict=True)
        )
        whole = [
            found[name] if name in found else torch.zeros_like(parameter)
            for name, parameter in recogniser.named_parameters()
        ]
        yield plan.rate * total, float("nan"), whole
