"""Facts that several stages rest on: what speech holds, and what computes."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from typing import Any

from fedasr.asr.recogniser import Recogniser, best_device
from fedasr.common.environment import processor, versions
from fedasr.corpora.speech import UntranscribedError
from fedasr.runs.stages.stage import code_of
from fedasr.training.batches import Examples


def examples_digest(examples: Examples, speeds: Iterable[float] = ()) -> str:
    """Return the SHA-256 of what is learnt from: ids, features at each speed, and transcripts that may be read."""
    heard = dict.fromkeys((1.0, *speeds))
    total = hashlib.sha256()
    for index in range(len(examples)):
        total.update(repr((examples.id(index), _text(examples, index))).encode())
        for speed in heard:
            total.update(_features(examples, index, speed))
    return total.hexdigest()


def features_digest(examples: Examples, places: Iterable[int]) -> str:
    """Return the SHA-256 of what is heard in some utterances; nobody's transcript is in it."""
    total = hashlib.sha256()
    for index in places:
        total.update(_features(examples, index))
    return total.hexdigest()


def computed_by(recogniser: Recogniser) -> dict[str, Any]:
    """Return what decides the bits beside the numbers: versions, processor, and the code of encoder and head."""
    return {"machine": _machine(), "encoder": code_of(type(recogniser.encoder)), "head": code_of(type(recogniser.head))}


@functools.cache
def _machine() -> dict[str, str]:
    return {**versions(), "processor": processor(), "device": str(best_device())}


def _text(examples: Examples, index: int) -> str | None:
    try:
        return examples.text(index)
    except UntranscribedError:
        return None


def _features(examples: Examples, index: int, speed: float = 1.0) -> bytes:
    features = examples.features(index, speed)
    return f"{features.dtype} {features.shape}\n".encode() + features.tobytes()
