"""Transcribing many utterances, in batches of like length that depend on the utterances alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from fedasr.asr.batch import make_batch
from fedasr.asr.recogniser import Recogniser

BATCH = 24
"""Utterances decoded at once."""


def decoding_batches(frames: Sequence[int]) -> list[list[int]]:
    """Divide utterances into batches of like length.

    Parameters
    ----------
    frames : sequence of int
        The length of each utterance.
    """
    order = np.argsort(np.asarray(frames), kind="stable").tolist()
    return [order[start : start + BATCH] for start in range(0, len(order), BATCH)]


def transcribe_batch(
    recogniser: Recogniser, features: Callable[[int], NDArray[np.floating]], indices: Sequence[int]
) -> list[str]:
    """Return what the recogniser hears in the utterances of one batch."""
    return recogniser.transcribe(make_batch([features(index) for index in indices]))
