"""Scoring: many utterances transcribed by all workers, and the errors of what they heard."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from fedasr.asr.decoding.greedy import decoding_batches, in_order
from fedasr.asr.recogniser import Recogniser, RecogniserSpec, Weights, best_device, spec_from_json
from fedasr.asr.tokens import Tokens, tokens_from_json
from fedasr.asr.word_errors import ErrorCounts, count_errors
from fedasr.corpora.features.opened import opened_speech
from fedasr.corpora.speech import Speech
from fedasr.corpora.utterance import Utterance
from fedasr.grid.workers import Workers
from fedasr.silo.scored import heard_batch
from fedasr.training.losses import number_or_none


@dataclass(frozen=True)
class Heard:
    """An utterance, what was heard, its errors, and the loss of its transcript in nats a token.

    The loss is None where nobody asked for it, and where a held-out transcript cannot be written in the tokens, or
    not said in its frames.
    """

    utterance: Utterance
    hypothesis: str
    errors: ErrorCounts
    loss: float | None = None


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
    """

    folder: Path
    spec: RecogniserSpec
    tokens: Tokens
    workers: Workers

    def __call__(self, weights: Weights, part: Speech, with_losses: bool = False) -> list[Heard]:
        """Transcribe a part of the speech; the result does not depend on the number of workers.

        Raises
        ------
        UntranscribedError
            Where nobody may read what was said.
        """
        said = [part.text(index) for index in range(len(part))]
        batches = decoding_batches([part.frames(index) for index in range(len(part))])
        names = [[part.utterances[index].id for index in batch] for batch in batches]
        shared = _Shared(self.folder, self.spec, self.tokens, dict(weights), with_losses)
        heard = in_order(batches, self.workers.map(_hear, shared, names))
        return [
            Heard(utterance, text, count_errors(truth, text), loss)
            for utterance, truth, (text, loss) in zip(part.utterances, said, heard, strict=True)
        ]


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


def _hear(shared: _Shared, batches: Sequence[Sequence[str]]) -> list[list[tuple[str, float | None]]]:
    recogniser, place = _recogniser(*_described(shared)), _places(shared.folder)
    recogniser.load(shared.weights)
    speech = opened_speech(shared.folder)
    return [heard_batch(recogniser, speech, [place[name] for name in batch], shared.with_losses) for batch in batches]


def _described(shared: _Shared) -> tuple[str, str]:
    return json.dumps(asdict(shared.spec)), json.dumps(shared.tokens.to_json())


@lru_cache(maxsize=1)
def _recogniser(spec: str, tokens: str) -> Recogniser:
    """Return a recogniser to load weights into; made once a process, for making one costs as much as hearing some."""
    return Recogniser(spec_from_json(json.loads(spec)), tokens_from_json(json.loads(tokens))).to(best_device())


@lru_cache(maxsize=2)
def _places(folder: Path) -> dict[str, int]:
    return {utterance.id: index for index, utterance in enumerate(opened_speech(folder).utterances)}
