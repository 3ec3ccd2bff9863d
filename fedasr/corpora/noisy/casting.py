"""Which utterances are noisy, and who speaks under them: drawn by the seed, before any row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fedasr.common.errors import UserError
from fedasr.common.randomness import Streams
from fedasr.corpora.noisy.noise_spec import TRAINING, NoiseSpec
from fedasr.corpora.noisy.noisy_audio import NoisyAudio
from fedasr.corpora.partition import Partition
from fedasr.corpora.utterance import AudioSource, Utterance

NOISY_PREFIX = "noisy/"
"""Leads the speakers and ids of the noisy copies of test speech: they belong to no part of the partition."""


def noisy_names(speakers: Iterable[str]) -> tuple[str, ...]:
    """Return what speakers are called in the noisy copies of their speech."""
    return tuple(f"{NOISY_PREFIX}{speaker}" for speaker in speakers)


def plain_name(speaker: str) -> str:
    """Return what a speaker of noisy copies is called elsewhere."""
    return speaker.removeprefix(NOISY_PREFIX)


def with_noise(
    utterances: Sequence[Utterance], partition: Partition, spec: NoiseSpec, streams: Streams
) -> list[Utterance]:
    """Return utterances, a share of those that are trained on with noisy audio, and noisy copies of test speech.

    Voices are those of public speakers alone, as they were recorded: nothing of a silo's speech is heard under that of
    another.

    Parameters
    ----------
    utterances : sequence of Utterance
    partition : Partition
    spec : NoiseSpec
    streams : Streams
        Those that the partition was drawn from. What is drawn for an utterance depends on its id and on who is public.

    Raises
    ------
    UserError
        Where there are too few public speakers.
    """
    if spec.is_off:
        return list(utterances)
    cast = _Cast(_public_voices(utterances, partition), spec, streams)
    learnt, tested = _learnt(utterances, partition, spec), set(partition.test)
    made = [cast.perhaps(u) if u.id in learnt else u for u in utterances]
    if spec.test_snr_db is None:
        return made
    return made + [cast.tested(u, spec.test_snr_db) for u in utterances if u.speaker in tested]


def told_of_noise(utterances: Iterable[Utterance], spec: NoiseSpec) -> str:
    """Return how much of some speech is noisy, and how; nothing where none was to be."""
    if spec.is_off:
        return ""
    is_copy = [u.id.startswith(NOISY_PREFIX) for u in utterances if isinstance(u.audio, NoisyAudio)]
    low, high = spec.snr_db
    told = [f"{is_copy.count(False)} utterances that are trained on, at {low:g} to {high:g} dB"] if spec.share else []
    told += [f"{is_copy.count(True)} of test speech once more, at {spec.test_snr_db:g} dB"] if any(is_copy) else []
    return f"noise: {', '.join(told)}; {spec.babble_voices} public voices, room {spec.room_seconds:g} s"


@dataclass(frozen=True)
class _Cast:
    """Public voices, and the dice by which they are put under speech."""

    voices: Mapping[str, Sequence[AudioSource]]
    spec: NoiseSpec
    streams: Streams

    def perhaps(self, utterance: Utterance) -> Utterance:
        """Return an utterance that is trained on: noisy or, in as many cases as the share leaves, as it is."""
        dice = self.streams.numpy(f"noise {utterance.id}")
        if dice.random() >= self.spec.share:
            return utterance
        snr_db = round(float(dice.uniform(*self.spec.snr_db)), 2)
        return replace(utterance, audio=self._noisy(utterance, snr_db, dice))

    def tested(self, utterance: Utterance, snr_db: float) -> Utterance:
        """Return the noisy copy of an utterance that is scored."""
        audio = self._noisy(utterance, snr_db, self.streams.numpy(f"test noise {utterance.id}"))
        (speaker,) = noisy_names([utterance.speaker])
        return replace(utterance, id=f"{NOISY_PREFIX}{utterance.id}", speaker=speaker, audio=audio)

    def _noisy(self, utterance: Utterance, snr_db: float, dice: np.random.Generator) -> NoisyAudio:
        seed, others = int(dice.integers(2**32)), self._others(utterance.speaker)
        if (wanted := self.spec.babble_voices) > len(others):
            raise UserError(
                f"corpus.noise.babble_voices: {wanted} voices are to speak under '{utterance.id}', and there are "
                f"{len(others)} other public speakers; set at most that, or more corpus.public_speakers"
            )
        chosen = [self.voices[others[place]] for place in dice.choice(len(others), wanted, replace=False)]
        babble = tuple(said[int(dice.integers(len(said)))] for said in chosen)
        return NoisyAudio(utterance.audio, babble, snr_db, self.spec.room_seconds, seed)

    def _others(self, speaker: str) -> list[str]:
        return [name for name in self._names if name != speaker] if speaker in self.voices else self._names

    @cached_property
    def _names(self) -> list[str]:
        return list(self.voices)


def _public_voices(utterances: Iterable[Utterance], partition: Partition) -> dict[str, list[AudioSource]]:
    """Return what each public speaker says, by name, in an order that only names and ids decide."""
    public = {*partition.public_labelled, *partition.public_unlabelled}
    said: dict[str, list[AudioSource]] = defaultdict(list)
    for utterance in sorted((u for u in utterances if u.speaker in public), key=lambda u: (u.speaker, u.id)):
        said[utterance.speaker].append(utterance.audio)
    return said


def _learnt(utterances: Iterable[Utterance], partition: Partition, spec: NoiseSpec) -> set[str]:
    """Return the ids of the utterances of which a share is noisy."""
    public = {*partition.public_unlabelled, *(partition.public_labelled if spec.speech == TRAINING else ())}
    return {*(name for silo in partition.silos for name in silo), *(u.id for u in utterances if u.speaker in public)}
