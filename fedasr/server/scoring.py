"""Scoring: many utterances transcribed by all workers, and the errors of what they heard."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from fedasr.asr.batch import make_batch
from fedasr.asr.decoding.decoder import Decoder
from fedasr.asr.decoding.greedy import decoding_batches, in_order
from fedasr.asr.decoding.search import Text
from fedasr.asr.decoding.tuning import TRIED
from fedasr.asr.recogniser import Recogniser, RecogniserSpec, Weights, best_device, spec_from_json
from fedasr.asr.tokens import Tokens, tokens_from_json
from fedasr.asr.word_errors import ErrorCounts, count_errors
from fedasr.corpora.features.opened import opened_speech
from fedasr.corpora.speech import Speech
from fedasr.corpora.utterance import Utterance
from fedasr.grid.workers import Workers
from fedasr.silo.scored import HeardUtterance, heard_batch
from fedasr.training.losses import number_or_none

T = TypeVar("T")
Rows = NDArray[np.integer]
"""Rows of prepared speech."""


@dataclass(frozen=True)
class Heard:
    """An utterance, what was heard, its errors, and the loss of its transcript in nats a token.

    The loss is None where nobody asked for it, and where a held-out transcript cannot be written in the tokens, or
    not said in its frames. What was decoded, and its errors, are None where nothing was.
    """

    utterance: Utterance
    hypothesis: str
    errors: ErrorCounts
    loss: float | None = None
    decoded: str | None = None
    decoded_errors: ErrorCounts | None = None


@dataclass(frozen=True)
class Scorer:
    """Transcribes utterances of prepared speech with given weights.

    Parameters
    ----------
    folder : Path
        Where the prepared speech lies.
    spec : RecogniserSpec
    tokens : Tokens
    workers : Workers
    decoder : Decoder, optional
        Decodes where it is asked to.
    """

    folder: Path
    spec: RecogniserSpec
    tokens: Tokens
    workers: Workers
    decoder: Decoder | None = None

    def __call__(
        self, weights: Weights, part: Speech, with_losses: bool = False, decode: bool = False
    ) -> list[Heard]:  # fmt: skip
        """Transcribe a part of the speech; the result does not depend on the number of workers.

        Parameters
        ----------
        weights : mapping of str to ndarray
        part : Speech
        with_losses : bool
            Whether the losses of the transcripts are wanted.
        decode : bool
            Whether the decoder, where there is one, decodes the same encodings.

        Raises
        ------
        UntranscribedError
            Where nobody may read what was said.
        """
        said = list(part.texts())
        heard = self._mapped(_hear, weights, part, with_losses, decode)
        return [_heard(*one) for one in zip(part.utterances, said, heard, strict=True)]

    def texts(self, weights: Weights, part: Speech) -> list[list[Text]]:
        """Return the best texts that the decoder finds for each utterance; none where there is no decoder."""
        return self._mapped(_texts, weights, part, False, True)

    def _mapped(
        self, work: Callable[[_Shared, Sequence[Rows]], list[list[T]]], weights: Weights, part: Speech,
        with_losses: bool, decode: bool,
    ) -> list[T]:  # fmt: skip
        """Do a work in batches that depend on the speech alone, and return the results in its order."""
        batches = decoding_batches(part.frames_of())
        rows = [part.rows[batch] for batch in batches]
        decoder = self.decoder if decode else None
        shared = _Shared(self.folder, self.spec, self.tokens, dict(weights), with_losses, decoder)
        return in_order(batches, self.workers.map(work, shared, rows))


def _heard(utterance: Utterance, said: str, heard: HeardUtterance) -> Heard:
    decoded = None if heard.decoded is None else count_errors(said, heard.decoded)
    return Heard(utterance, heard.text, count_errors(said, heard.text), heard.loss, heard.decoded, decoded)


def mean_loss(heard: Sequence[Heard]) -> float | None:
    """Return the mean loss of the utterances that have one; None where none has, or the model's is no number."""
    losses = [one.loss for one in heard if one.loss is not None]
    return number_or_none(float(np.mean(losses))) if losses else None


@dataclass(frozen=True)
class _Shared:
    """What all workers need to hear a part of the speech."""

    folder: Path
    spec: RecogniserSpec
    tokens: Tokens
    weights: Weights
    with_losses: bool
    decoder: Decoder | None


def _hear(shared: _Shared, batches: Sequence[Rows]) -> list[list[HeardUtterance]]:
    recogniser, parts, wanted = _recogniser_of(shared), _opened(shared, batches), shared.with_losses
    return [heard_batch(recogniser, part, range(len(part)), wanted, shared.decoder) for part in parts]


def _texts(shared: _Shared, batches: Sequence[Rows]) -> list[list[list[Text]]]:
    recogniser, parts = _recogniser_of(shared), _opened(shared, batches)
    return [_texts_of_batch(recogniser, part, shared.decoder) for part in parts]


def _texts_of_batch(recogniser: Recogniser, speech: Speech, decoder: Decoder | None) -> list[list[Text]]:
    places, stacked = range(len(speech)), recogniser.spec.frames_stacked
    if decoder is None:
        return [[] for _ in places]
    features = [speech.features(place) for place in places]
    batch = make_batch(features, stacked=stacked).to(recogniser.device)
    with torch.inference_mode():
        encodings_BTF = recogniser.encode(batch.features_BTF, batch.lengths_B)
        return decoder.texts(recogniser, encodings_BTF, batch.lengths_B, TRIED)


def _recogniser_of(shared: _Shared) -> Recogniser:
    recogniser = _recogniser(*_described(shared))
    recogniser.load(shared.weights)
    return recogniser


def _opened(shared: _Shared, batches: Sequence[Rows]) -> list[Speech]:
    store = opened_speech(shared.folder).store
    return [Speech(store, rows) for rows in batches]


def _described(shared: _Shared) -> tuple[str, str]:
    return json.dumps(asdict(shared.spec)), json.dumps(shared.tokens.to_json())


@lru_cache(maxsize=1)
def _recogniser(spec: str, tokens: str) -> Recogniser:
    """Return a recogniser to load weights into; made once a process, for making one costs as much as hearing some."""
    return Recogniser(spec_from_json(json.loads(spec)), tokens_from_json(json.loads(tokens))).to(best_device())
