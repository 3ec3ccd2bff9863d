"""Which utterances make a batch, and the batch they make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.augment import AugmentSpec
from fedasr.asr.batch import Batch, make_batch
from fedasr.asr.features import FRAMES_STACKED, frames_to_seconds
from fedasr.asr.tokens import Tokens


class Examples(Protocol):
    """Speech to learn from (`fedasr.corpora.speech.Speech` is one)."""

    def __len__(self) -> int: ...

    def features(self, index: int, speed: float = 1.0) -> NDArray[np.floating]:
        """Return log-mel features at a speed of the waveform, shape (frames of 10 ms, mels)."""

    def frames(self, index: int) -> int:
        """Return the number of 10 ms frames at speed 1."""

    def text(self, index: int) -> str:
        """Return the transcript."""

    def id(self, index: int) -> str:
        """Return which utterance it is, by a name that no other has."""


def seconds_of(examples: Examples, indices: Iterable[int] | None = None) -> float:
    """Return the seconds of speech in some examples, or in all of them."""
    chosen = range(len(examples)) if indices is None else indices
    return frames_to_seconds(sum(examples.frames(index) for index in chosen))


def shuffled_batches(examples: Examples, batch_size: int, generator: np.random.Generator) -> list[list[int]]:
    """Divide one pass over the examples into batches of utterances of like length, in random order.

    Parameters
    ----------
    examples : Examples
    batch_size : int
        Utterances of a batch; the last of a pass may be smaller.
    generator : numpy.random.Generator
        Shuffles; lengths are blurred by a tenth so that batches differ from pass to pass.

    Returns
    -------
    list of list of int
        Every example exactly once.
    """
    frames = np.array([examples.frames(index) for index in range(len(examples))], np.float64)
    order = np.argsort(frames * generator.uniform(0.9, 1.1, len(frames)), kind="stable")
    batches = [order[start : start + batch_size].tolist() for start in range(0, len(order), batch_size)]
    return [batches[index] for index in generator.permutation(len(batches))]


def training_batch(
    examples: Examples, indices: Sequence[int], tokens: Tokens, augment: AugmentSpec,
    generator: np.random.Generator, stacked: int = FRAMES_STACKED,
) -> Batch:  # fmt: skip
    """Return augmented features, token targets and ids of some examples, so many frames of 10 ms to a stack."""
    features = [augment(examples.features(index, augment.speed(generator)), generator) for index in indices]
    targets = [tokens.encode(examples.text(index)) for index in indices]
    return make_batch(features, targets, ids=[examples.id(index) for index in indices], stacked=stacked)
