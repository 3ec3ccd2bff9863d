"""Scoring: many utterances transcribed by all workers, and the errors of what they heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fedasr.asr.batch import Batch, make_batch
from fedasr.asr.decoding.greedy import decoding_batches, in_order, transcribe_batch
from fedasr.asr.recogniser import Recogniser, RecogniserSpec, Weights, best_device
from fedasr.asr.tokens import Tokens, UntokenisableError
from fedasr.asr.word_errors import ErrorCounts, count_errors
from fedasr.corpora.features.opened import opened_speech
from fedasr.corpora.speech import Speech
from fedasr.corpora.utterance import Utterance
from fedasr.grid.workers import Workers


@dataclass(frozen=True)
class Heard:
    """An utterance, what was heard, and its errors."""

    utterance: Utterance
    hypothesis: str
    errors: ErrorCounts


@dataclass(frozen=True)
class Scorer:
    """Transcribes utterances of prepared speech with given weights.

    Parameters
    ----------
    speech : Speech
        Prepared speech, as it lies in `folder`.
    folder : Path
    spec : RecogniserSpec
    tokens : Tokens
    workers : Workers
    """

    speech: Speech
    folder: Path
    spec: RecogniserSpec
    tokens: Tokens
    workers: Workers

    def __call__(self, weights: Weights, part: Speech) -> list[Heard]:
        """Transcribe a part of the speech; the result does not depend on the number of workers."""
        batches = decoding_batches([part.frames(index) for index in range(len(part))])
        names = [[part.utterances[index].id for index in batch] for batch in batches]
        shared = (self.folder, self.spec, self.tokens, dict(weights))
        heard = in_order(batches, self.workers.map(_transcribe, shared, names))
        return [Heard(u, text, count_errors(u.text, text)) for u, text in zip(part.utterances, heard, strict=True)]

    def loss(self, weights: Weights, part: Speech) -> float | None:
        """Return the mean loss of the utterances of a part, nats a token; None where none has tokens.

        A held-out transcript may hold a character that training never saw: it is left out here.
        """
        part = part.where(lambda utterance: _has_tokens(self.tokens, utterance.text))
        batches = decoding_batches([part.frames(index) for index in range(len(part))])
        names = [[part.utterances[index].id for index in batch] for batch in batches]
        shared = (self.folder, self.spec, self.tokens, dict(weights))
        losses = [loss for batch in self.workers.map(_losses, shared, names) for loss in batch]
        return float(np.mean(losses)) if losses else None


def _losses(shared: tuple[Path, RecogniserSpec, Tokens, Weights], batches: Sequence[Sequence[str]]) -> list[Any]:
    folder, spec, tokens, weights = shared
    recogniser = Recogniser(spec, tokens).to(best_device())
    recogniser.load(weights)
    speech, place = opened_speech(folder), _places(folder)
    with torch.inference_mode():
        return [recogniser.losses(_batch(speech, [place[n] for n in b], tokens)).tolist() for b in batches]


def _has_tokens(tokens: Tokens, text: str) -> bool:
    try:
        return bool(tokens.encode(text))
    except UntokenisableError:
        return False


def _batch(speech: Speech, indices: Sequence[int], tokens: Tokens) -> Batch:
    """Return utterances as they are, not augmented."""
    return make_batch([speech.features(i) for i in indices], [tokens.encode(speech.text(i)) for i in indices])


def _transcribe(shared: tuple[Path, RecogniserSpec, Tokens, Weights], batches: Sequence[Sequence[str]]) -> list[Any]:
    folder, spec, tokens, weights = shared
    recogniser = Recogniser(spec, tokens).to(best_device())
    recogniser.load(weights)
    speech = opened_speech(folder)
    place = _places(folder)
    return [transcribe_batch(recogniser, speech.features, [place[name] for name in batch]) for batch in batches]


@lru_cache(maxsize=2)
def _places(folder: Path) -> dict[str, int]:
    return {utterance.id: index for index, utterance in enumerate(opened_speech(folder).utterances)}
