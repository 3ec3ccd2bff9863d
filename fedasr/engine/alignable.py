"""Which transcripts fit into their audio, for the head that is to learn them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from fedasr.asr.features import stacked_length
from fedasr.asr.recogniser import Recogniser, RecogniserSpec
from fedasr.asr.tokens import Tokens
from fedasr.common.randomness import seeded_libraries
from fedasr.corpora.speech import Speech

_AT_ONCE = 1000


@dataclass(frozen=True)
class Overlong:
    """An utterance whose transcript has more tokens than its audio can say.

    Parameters
    ----------
    id : str
    tokens : int
        Of the transcript.
    frames : int
        What the head is given: stacks of 10 ms frames.
    """

    id: str
    tokens: int
    frames: int


def untrained(spec: RecogniserSpec, tokens: Tokens) -> Recogniser:
    """Return a recogniser to ask about shapes; the global generators are left as they were."""
    with seeded_libraries(np.random.SeedSequence(0)):
        return Recogniser(spec, tokens)


def unalignable(speech: Speech, recogniser: Recogniser) -> list[Overlong]:
    """Return the utterances that the recogniser's head cannot learn, in order."""
    groups = (range(len(speech))[start : start + _AT_ONCE] for start in range(0, len(speech), _AT_ONCE))
    return [far for places in groups for far in _among(speech, places, recogniser)]


def _among(speech: Speech, places: range, recogniser: Recogniser) -> list[Overlong]:
    targets = [recogniser.tokens.encode_if_known(speech.text(place)) for place in places]
    frames = [stacked_length(speech.frames(place), recogniser.spec.frames_stacked) for place in places]
    lengths = torch.tensor([len(target) for target in targets])
    fits = recogniser.head.fits(torch.tensor(frames), _padded(targets), lengths).tolist()
    rows = zip(places, targets, frames, fits, strict=True)
    return [Overlong(speech.id(place), len(target), count) for place, target, count, is_fit in rows if not is_fit]


def _padded(targets: Sequence[Sequence[int]]) -> torch.Tensor:
    padded = np.zeros((len(targets), max(map(len, targets))), np.int64)
    for row, target in enumerate(targets):
        padded[row, : len(target)] = target
    return torch.from_numpy(padded)
