"""Which utterances make a batch, and the batch they make."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.augment import AugmentSpec
from fedasr.asr.batch import Batch, make_batch
from fedasr.asr.features import FRAMES_STACKED, frames_to_seconds
from fedasr.asr.soft_targets import NOBODY_SAYS, FrameTargets, moved
from fedasr.asr.tokens import Tokens
from fedasr.common.errors import RowError
from fedasr.corpora.alignment import Alignment
from fedasr.training.frame_labels import frame_labels

ROUNDED = 1.1
"""Lengths that round up to the same power of it are alike."""


class Examples(Protocol):
    """Speech to learn from (`fedasr.corpora.speech.Speech` is one)."""

    def __len__(self) -> int: ...

    def features(self, index: int, speed: float = 1.0) -> NDArray[np.floating]:
        """Return log-mel features at a speed of the waveform, shape (frames of 10 ms, mels)."""

    def frames(self, index: int) -> int:
        """Return the number of 10 ms frames at speed 1."""

    def alignment(self, index: int, name: str) -> Alignment:
        """Return the phone of each 10 ms frame at speed 1, of the alignments of a name."""

    def text(self, index: int) -> str:
        """Return the transcript."""

    def id(self, index: int) -> str:
        """Return which utterance it is, by a name that no other has."""


def soft_targets(examples: Examples, index: int) -> FrameTargets | None:
    """Return what a teacher says of each frame of an example, at speed 1; None where there is none to say it.

    Examples that have it have a method ``soft_targets(index)`` beside the others.
    """
    say = getattr(examples, "soft_targets", None)
    said: FrameTargets | None = None if say is None else say(index)
    return said


def seconds_of(examples: Examples, indices: Iterable[int] | None = None) -> float:
    """Return the seconds of speech in some examples, or in all of them."""
    chosen = range(len(examples)) if indices is None else indices
    return frames_to_seconds(sum(examples.frames(index) for index in chosen))


def shuffled_batches(
    examples: Examples, batch_size: int, generator: np.random.Generator, batch_seconds: float = 0.0
) -> list[list[int]]:  # fmt: skip
    """Divide one pass over the examples into batches of utterances of like length, in random order.

    Parameters
    ----------
    examples : Examples
    batch_size : int
        Utterances of a batch; the last of a pass may be smaller.
    generator : numpy.random.Generator
        Shuffles; lengths are blurred by a tenth so that batches differ from pass to pass.
    batch_seconds : float
        Where above 0, a batch holds as many utterances as fit into so many seconds, padded to its longest, and one at
        least, however many that are. Utterances whose lengths round up to the same are shuffled among themselves; so
        every pass has as many batches (see `steps_of_a_pass`).

    Returns
    -------
    list of list of int
        Every example exactly once.
    """
    frames = np.array([examples.frames(index) for index in range(len(examples))], np.float64)
    if batch_seconds:
        rounded = rounded_up(frames)
        order = np.lexsort((generator.permutation(len(frames)), rounded))
        starts = starts_by_seconds(rounded[order], batch_seconds)
    else:
        order = np.argsort(frames * generator.uniform(0.9, 1.1, len(frames)), kind="stable")
        starts = list(range(0, len(order), batch_size))
    batches = [order[start:stop].tolist() for start, stop in itertools.pairwise([*starts, len(order)])]
    return [batches[index] for index in generator.permutation(len(batches))]


def steps_of_a_pass(examples: Examples, batch_size: int, batch_seconds: float = 0.0) -> int:
    """Return how many batches `shuffled_batches` makes, whatever its generator."""
    if not batch_seconds:
        return math.ceil(len(examples) / batch_size)
    frames = np.array([examples.frames(index) for index in range(len(examples))], np.float64)
    return len(starts_by_seconds(np.sort(rounded_up(frames)), batch_seconds))


def rounded_up(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return lengths in frames rounded up to the whole part of a power of 1.1: at most a tenth longer."""
    longest = float(frames.max(initial=1.0))
    bounds: NDArray[np.float64] = np.floor(ROUNDED ** np.arange(math.ceil(math.log(longest, ROUNDED)) + 2))
    found: NDArray[np.float64] = bounds[np.searchsorted(bounds, frames)]
    return found


def starts_by_seconds(frames: NDArray[np.float64], seconds: float) -> list[int]:
    """Return the places at which batches of so many seconds begin, filled one after the other.

    Parameters
    ----------
    frames : ndarray, shape (examples,)
        Lengths, rising.
    seconds : float
        Of the longest of a batch times its utterances, unless it holds one alone.
    """
    starts: list[int] = []
    for place, longest in enumerate(frames.tolist()):
        if not starts or frames_to_seconds((place + 1 - starts[-1]) * longest) > seconds:
            starts.append(place)
    return starts


def training_batch(
    examples: Examples, indices: Sequence[int], tokens: Tokens, augment: AugmentSpec,
    generator: np.random.Generator, stacked: int = FRAMES_STACKED,
) -> Batch:  # fmt: skip
    """Return augmented features, token targets and ids of some examples, so many frames of 10 ms to a stack.

    Where tokens are labels of frames, targets are a label a stack, at the places that augmentation moved it to; so are
    the targets of examples that a teacher heard, which have no others.
    """
    features, targets, soft = [], [], list[FrameTargets]()
    for index in indices:
        speed, said = augment.speed(generator), soft_targets(examples, index)
        varied, places_T = augment.timed(examples.features(index, speed), generator)
        features.append(varied)
        soft.append(NOBODY_SAYS if said is None else moved(said, places_T * speed, stacked))
        targets.append(targets_of(examples, index, tokens, places_T * speed, stacked) if said is None else [])
    taught, ids = any(said is not NOBODY_SAYS for said in soft), [examples.id(index) for index in indices]
    return make_batch(features, targets, soft if taught else (), ids, stacked)


def targets_of(
    examples: Examples, index: int, tokens: Tokens, places_T: NDArray[np.floating], stacked: int = FRAMES_STACKED
) -> list[int]:  # fmt: skip
    """Return what is learnt of one example: the tokens of its transcript, or the labels of its frames.

    Parameters
    ----------
    examples : Examples
    index : int
    tokens : Tokens
    places_T : ndarray, shape (frames,)
        Where among the example's frames at speed 1 each frame of the features stands.
    stacked : int
        Frames of 10 ms to a stack.

    Raises
    ------
    RowError
        Where frames are labelled, and the speech has no alignments of that name.
    """
    if not tokens.aligned_by:
        return tokens.encode(examples.text(index))
    try:
        alignment = examples.alignment(index, tokens.aligned_by)
    except KeyError as error:
        raise RowError(
            f"the speech has no alignments '{tokens.aligned_by}', which a head of frames learns from; train where its "
            "features were prepared"
        ) from error
    return frame_labels(alignment, tokens, places_T, stacked)
