"""Transcribing many utterances, in batches of like length that depend on the utterances alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.batch import make_batch
from fedasr.asr.recogniser import Decode, Recogniser

T = TypeVar("T")
BATCH = 24
"""Utterances decoded at once."""


def decoding_batches(frames: Sequence[int] | NDArray[np.integer]) -> list[list[int]]:
    """Divide utterances into batches of like length.

    Parameters
    ----------
    frames : sequence of int
        The length of each utterance.
    """
    order = np.argsort(np.asarray(frames), kind="stable").tolist()
    return [order[start : start + BATCH] for start in range(0, len(order), BATCH)]


def transcribe_batch(
    recogniser: Recogniser, features: Callable[[int], NDArray[np.floating]], indices: Sequence[int],
    decode: Decode | None = None,
) -> list[str]:  # fmt: skip
    """Return what the recogniser hears in the utterances of one batch: greedily, or as a decoder decodes."""
    batch = make_batch([features(index) for index in indices], stacked=recogniser.spec.frames_stacked)
    heard = recogniser.hear(batch, decode=decode)
    return heard.texts if decode is None else heard.decoded


def transcribe_all(
    recogniser: Recogniser, features: Callable[[int], NDArray[np.floating]], frames: Sequence[int]
) -> list[str]:
    """Return what the recogniser hears in each of many utterances.

    Parameters
    ----------
    recogniser : Recogniser
    features : callable
        Returns the features of an utterance by its number.
    frames : sequence of int
        The length of each utterance.
    """
    batches = decoding_batches(frames)
    return in_order(batches, [transcribe_batch(recogniser, features, batch) for batch in batches])


def in_order(batches: Sequence[Sequence[int]], results: Sequence[Sequence[T]]) -> list[T]:
    """Return the results of batches, one an utterance, in the order of the utterances."""
    found = {
        index: result
        for indices, of_batch in zip(batches, results, strict=True)
        for index, result in zip(indices, of_batch, strict=True)
    }
    return [found[index] for index in range(len(found))]
