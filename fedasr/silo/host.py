"""What a silo's process needs to know, and the silo it makes of that."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import torch

from fedasr.asr.augment import AugmentSpec
from fedasr.asr.decoding.decoder import Decoder
from fedasr.asr.recogniser import Recogniser, RecogniserSpec, best_device
from fedasr.asr.tokens import Tokens
from fedasr.common.randomness import Streams
from fedasr.corpora.features.opened import opened_speech
from fedasr.corpora.features.placed import rows_of
from fedasr.corpora.noisy.casting import noisy_names
from fedasr.corpora.partition import Partition
from fedasr.corpora.speech import Speech
from fedasr.experiment.training import TrainingSpec
from fedasr.privacy.noise import Noise, ReproducibleNoise, SecureNoise
from fedasr.protection.gradient_plan import GradientPlan
from fedasr.protection.none import Unprotected
from fedasr.protection.step import Dice
from fedasr.runs.stages.stage_folder import StageFolder
from fedasr.silo.silo import Silo
from fedasr.training.holdings import Holdings
from fedasr.training.learner import Learner
from fedasr.training.objectives.objective import Objective
from fedasr.training.parameters import ALL

M = TypeVar("M")


@dataclass(frozen=True)
class SiloHost:
    """What all silos of a row share. It travels to workers, so it holds no speech, only where it lies.

    Attributes
    ----------
    speech_folder : Path
        Prepared features.
    partition : Partition
    recogniser_spec : RecogniserSpec
    tokens : Tokens
    training : TrainingSpec
    augment : AugmentSpec
    objective : Objective
    streams : Streams
    reproducible_noise : bool
        Noise from the row's streams, which voids any guarantee.
    plan : GradientPlan
        How gradients are made of a silo's speech.
    roles : mapping of str to RecogniserSpec
        Recognisers of another shape, by role.
    is_silent : bool
        A protection at the silos' boundary pays for the arrays of a reply alone: metrics, costs and reasons stay.
    decoder : Decoder, optional
        How models that stay in the silos are decoded when they are scored.
    averages : bool
        Models that stay in their silos are scored by their mean over the last third of their training.
    stages : StageFolder, optional
        Where each silo keeps what another row may need again; without it nothing is kept from row to row.
    promises : bool
        The row's strategy promises privacy by itself, as one does whose teachers' votes are noised.
    """

    speech_folder: Path
    partition: Partition
    recogniser_spec: RecogniserSpec
    tokens: Tokens
    training: TrainingSpec
    augment: AugmentSpec
    objective: Objective
    streams: Streams
    reproducible_noise: bool = False
    plan: GradientPlan = field(default_factory=Unprotected)
    roles: Mapping[str, RecogniserSpec] = field(default_factory=dict)
    is_silent: bool = False
    decoder: Decoder | None = None
    averages: bool = False
    stages: StageFolder | None = None
    promises: bool = False

    @property
    def is_guarded(self) -> bool:
        """Whether a guarantee covers what its silos answer: nothing else that depends on their speech may leave them.

        How many utterances a silo holds is taken as public; seconds of speech, losses, processor time and the reason
        of a failure are not.
        """
        return self.is_silent or self.promises or self.plan.has_guarantee

    def in_role(self, role: str) -> SiloHost:
        """Return the host with the recogniser of a role: itself where the role has no shape of its own."""
        return self._in_roles[role].with_training(self.training) if role in self._in_roles else self

    @cached_property
    def _in_roles(self) -> dict[str, SiloHost]:
        return {role: replace(self, recogniser_spec=spec, roles={}) for role, spec in self.roles.items()}

    def with_training(self, training: TrainingSpec) -> SiloHost:
        """Return the host whose silos train so; it shares all else, what it has opened and cached included."""
        if training == self.training:
            return self
        _ = self.recogniser, self._in_roles, self._memories  # shared, not made again
        _ = self.public_speech, self.labelled_speech
        other = copy(self)
        object.__setattr__(other, "training", training)
        return other

    def silo(self, number: int) -> Silo:
        """Return one silo, with its own speech alone."""
        own, held_out = self.partition.silos[number], self.partition.held_out_by(number)
        store = self._speech.store
        return Silo(number, Speech(store, rows_of(own, store)), self.streams, Speech(store, rows_of(held_out, store)))

    @cached_property
    def recogniser(self) -> Recogniser:
        """A recogniser to load weights into; silos of one process take turns."""
        return Recogniser(self.recogniser_spec, self.tokens).to(best_device())

    @torch.no_grad()
    def forget_weights(self) -> None:
        """Leave no number of one silo in a recogniser that the next uses: who loads no weights gets none."""
        for host in (self, *vars(self).get("_in_roles", {}).values()):
            for parameter in host.recogniser.parameters() if "recogniser" in vars(host) else ():
                parameter.fill_(math.nan)

    def learner(self, silo: Silo, layers: tuple[str, ...] = ALL) -> Learner:
        """Return what the gradients of a silo are made of: the loaded recogniser, its own speech, what is public."""
        held = Holdings(
            silo.speech, unlabelled=self.public_speech, labelled=self.labelled_speech, teacher=silo.teacher
        )  # fmt: skip
        size, seconds = self.training.batch_size, self.training.batch_seconds
        return Learner(self.recogniser, self.objective, held, self.augment, size, layers, seconds)

    def dice(self, silo: Silo, round: int, stretch: int = 0) -> Dice:
        """Return all chance of a stretch of a silo's training in a round."""
        later = f" {stretch}" if stretch else ""
        masks = silo.streams.torch(f"local dropout{later}", round, silo.number, self.recogniser.device)
        batches = silo.streams.numpy(f"local{later}", round, silo.number)
        return Dice(batches, (masks,), lambda what, step: self.noise(silo, f"{what} {round} {step}{later}"))

    @property
    def _speech(self) -> Speech:
        return opened_speech(self.speech_folder)

    @cached_property
    def public_speech(self) -> Speech:
        """The public unlabelled speech, which every silo has; its transcripts are nobody's."""
        return self._speech.of_speakers(self.partition.public_unlabelled).untranscribed()

    @cached_property
    def labelled_speech(self) -> Speech:
        """The public speech with transcripts, which every silo has."""
        return self._speech.of_speakers(self.partition.public_labelled)

    def memory(self, kind: type[M]) -> M:
        """Return the one object of a kind in this process: a cache, whose loss changes nothing but time."""
        found: M = self._memories.setdefault(kind, kind())
        return found

    @cached_property
    def _memories(self) -> dict[type, Any]:
        return {}

    def noise(self, silo: Silo, purpose: str) -> Noise:
        """Return a silo's own source of noise."""
        if self.reproducible_noise:
            return ReproducibleNoise(silo.streams.sequence(f"noise {purpose}", 0, silo.number))
        return SecureNoise()

    def own_scored(self, silo: Silo) -> Speech:
        """What a silo's own model is scored on of its own speech: the simulator sees it, whatever the row promises."""
        return silo.held_out

    @property
    def test_speech(self) -> Speech:
        """The test speakers: the simulator's, not the silo's."""
        return self._speech.of_speakers(self.partition.test)

    @property
    def noisy_test_speech(self) -> Speech:
        """The test speakers with noise: the simulator's, too; empty where the experiment asks for none."""
        return self._speech.of_speakers(noisy_names(self.partition.test))
