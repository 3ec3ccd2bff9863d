"""Which utterances make a batch, and the batch they make."""

from __future__ import annotations

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

_AT_ONCE = 1 << 17
"""Examples whose lengths are added up together."""


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


def frames_of(examples: Examples, places: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return the numbers of 10 ms frames of examples at some places, shape of the places.

    Examples that know many at once have a method ``frames_of(places)`` beside the others.
    """
    many = getattr(examples, "frames_of", None)
    if many is None:
        return np.array([examples.frames(place) for place in places.tolist()], np.int64)
    found: NDArray[np.integer] = many(places)
    return found


def seconds_of(examples: Examples, indices: Iterable[int] | None = None) -> float:
    """Return the seconds of speech in some examples, or in all of them."""
    if indices is not None:
        return frames_to_seconds(sum(examples.frames(index) for index in indices))
    starts = range(0, len(examples), _AT_ONCE)
    portions = (np.arange(start, min(start + _AT_ONCE, len(examples))) for start in starts)
    return frames_to_seconds(sum(int(frames_of(examples, places).sum(dtype=np.int64)) for places in portions))


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
