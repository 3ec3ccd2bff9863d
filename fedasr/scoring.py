"""Scoring: many utterances transcribed by all workers, and the errors of what they heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from fedasr.asr.decoding import decoding_batches, transcribe_batch
from fedasr.asr.recogniser import Recogniser, RecogniserSpec, Weights, best_device
from fedasr.asr.tokens import Tokens
from fedasr.asr.word_errors import ErrorCounts, count_errors
from fedasr.corpora.speech import Speech
from fedasr.corpora.utterance import Utterance
from fedasr.grid.workers import Workers
from fedasr.silo.host import opened_speech


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
        heard: dict[str, str] = {}
        for ids, texts in zip(names, self.workers.map(_transcribe, shared, names), strict=True):
            heard.update(zip(ids, texts, strict=True))
        return [Heard(u, heard[u.id], count_errors(u.text, heard[u.id])) for u in part.utterances]


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
