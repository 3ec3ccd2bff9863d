"""The central trainer under DP-SGD: the same face as `CentralTrainer`, every stretch of steps a release."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.features import frames_to_seconds
from fedasr.asr.recogniser import Weights
from fedasr.privacy.mechanisms.gaussian import SampledGaussian
from fedasr.protection.dp_sgd.plan import DPSGDSpec
from fedasr.protection.dp_sgd.settings import ProtectionSpec
from fedasr.protection.dp_sgd.trainer import DescentSpec, DPTrainer, reproducible_noise, secure_noise
from fedasr.protection.releases import Charge, Releases
from fedasr.training.learner import Learner

STRETCHES = 20
"""Into how many parts the steps are divided; each ends in a stored release, from which a resumed row goes on."""
State = dict[str, NDArray[np.generic]]


@dataclass
class ProtectedTrainer:
    """Trains on private speech that the centre holds; only what DP-SGD releases is written down.

    Guarantee: `fedasr.protection.dp_sgd.plan.DPSGDPlan`, unit utterance, add-remove. A stretch that a crash cut off
    left nothing behind; it is taken anew and charged once.

    Parameters
    ----------
    learner : Learner
    spec : ProtectionSpec
    releases : Releases
    """

    learner: Learner
    spec: ProtectionSpec
    releases: Releases
    _trainer: DPTrainer = field(init=False)

    def __post_init__(self) -> None:
        spec, releases = self.spec, self.releases
        multiplier = spec.multiplier(spec.steps, spec.batch_size / max(len(self.learner.examples), 1))
        plan = DPSGDSpec(spec.clip_norm, multiplier, spec.batch_size, spec.steps)
        noise = reproducible_noise(releases.streams, "central") if releases.reproducible else secure_noise
        self._trainer = DPTrainer(self.learner, plan, DescentSpec(**spec.descent()), noise)
        releases.promise("utterance", "add-remove", spec.delta, ("poisson", "poisson"))

    @property
    def epochs(self) -> int:
        """How many stretches there are."""
        return min(STRETCHES, self.spec.steps)

    def seconds_an_epoch(self) -> float:
        """Return the seconds of speech that a stretch is expected to read."""
        frames = sum(self.learner.examples.frames(index) for index in range(len(self.learner.examples)))
        share = self.spec.steps * self.spec.batch_size / len(self.learner.examples) / self.epochs
        return frames_to_seconds(share * frames)

    def run(self, after_epoch: Callable[[int, float | None], None] = lambda epoch, loss: None) -> None:
        """Train to the end; no loss is told, for none is covered by the guarantee."""
        bounds = np.linspace(0, self.spec.steps, self.epochs + 1).round().astype(int).tolist()
        for epoch, (begin, end) in enumerate(itertools.pairwise(bounds), start=1):
            if self._trainer.step < end:
                self._stretch(epoch, begin, end)
                after_epoch(epoch, None)

    def _stretch(self, epoch: int, begin: int, end: int) -> None:
        charge = Charge(self._mechanism, end - begin)
        state = self.releases.make(f"steps.{epoch}", lambda _: [charge], lambda _: self._taken(end))
        self._trainer.restore(state)

    def _taken(self, end: int) -> State:
        self._trainer.run_until(end)
        return self._trainer.state()

    @property
    def _mechanism(self) -> SampledGaussian:
        return self._trainer.plan.mechanism

    def weights(self) -> Weights:
        """Return the model, iterates averaged where asked."""
        return self._trainer.weights()

    def state(self) -> State:
        """Return what a checkpoint keeps."""
        return self._trainer.state()

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Continue from what `state` returned."""
        self._trainer.restore(arrays)
