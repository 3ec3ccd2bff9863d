"""What a model does on some speech: the same for one that was sent to a silo and for one of the silo's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from fedasr.asr.batch import make_batch
from fedasr.asr.decoding.decoder import Decoder
from fedasr.asr.decoding.greedy import decoding_batches, in_order
from fedasr.asr.recogniser import HeardBatch, Recogniser
from fedasr.asr.word_errors import ErrorCounts, by_speaker, count_errors, total
from fedasr.common.errors import RowError
from fedasr.corpora.speech import Speech
from fedasr.training.batches import targets_of
from fedasr.training.losses import mean_of_known

UNKNOWN = [1]
"""Stands in a batch for a transcript that has no tokens; its loss is nobody's."""


class HeardUtterance(NamedTuple):
    """What is heard greedily, the loss of the transcript where it has one, and what is decoded where anything is."""

    text: str
    loss: float | None
    decoded: str | None


@dataclass(frozen=True)
class Scored:
    """The errors and the losses of a model on some speech.

    Attributes
    ----------
    errors : mapping of str to ErrorCounts
        By speaker, in the order of their names.
    losses : tuple of float or None
        Of each utterance, in nats a token; None where it was not asked for, and where the transcript cannot be written
        in the model's tokens or said in its frames.
    decoded : mapping of str to ErrorCounts
        By speaker, of what was decoded; empty where nothing was.
    """

    errors: Mapping[str, ErrorCounts]
    losses: tuple[float | None, ...]
    decoded: Mapping[str, ErrorCounts] = field(default_factory=dict)

    @property
    def utterances(self) -> int:
        """How many utterances were heard."""
        return len(self.losses)

    @property
    def total(self) -> ErrorCounts:
        """The errors on all speakers together."""
        return total(list(self.errors.values()))

    @property
    def loss(self) -> float:
        """The mean loss of the utterances that have one, in nats a token; NaN where none has."""
        return mean_of_known(self.losses)


def scored(
    recogniser: Recogniser, speech: Speech, with_losses: bool = True, decoder: Decoder | None = None
) -> Scored:  # fmt: skip
    """Score the weights that a recogniser holds on some speech, in batches that depend on the speech alone."""
    batches = decoding_batches(speech.frames_of())
    heard = in_order(batches, [heard_batch(recogniser, speech, batch, with_losses, decoder) for batch in batches])
    losses = tuple(one.loss for one in heard)
    decoded = _errors(speech, [one.decoded or "" for one in heard]) if decoder else {}
    return Scored(_errors(speech, [one.text for one in heard]), losses, decoded)


def _errors(speech: Speech, texts: Sequence[str]) -> Mapping[str, ErrorCounts]:
    counts = [count_errors(speech.text(index), text) for index, text in enumerate(texts)]
    return by_speaker([speech.speaker(index) for index in range(len(speech))], counts)


def heard_batch(
    recogniser: Recogniser, speech: Speech, indices: Sequence[int], with_losses: bool, decoder: Decoder | None = None
) -> list[HeardUtterance]:
    """Return what is heard in each utterance of one batch, and the loss of its transcript; see `Scored`."""
    features, stacked = [speech.features(index) for index in indices], recogniser.spec.frames_stacked
    if not with_losses:
        heard = _in_words(recogniser, recogniser.hear(make_batch(features, stacked=stacked), decode=decoder))
        return [HeardUtterance(text, None, found) for text, found in zip(heard.texts, _each(heard), strict=True)]
    targets = [_target(recogniser, speech, index) for index in indices]
    batch = make_batch(features, [target or UNKNOWN for target in targets], stacked=stacked)
    heard = _in_words(recogniser, recogniser.hear(batch, with_losses=True, decode=decoder))
    has_loss = [bool(target) and fits for target, fits in zip(targets, recogniser.fits(batch).tolist(), strict=True)]
    losses = [loss if known else None for loss, known in zip(heard.losses, has_loss, strict=True)]
    return [HeardUtterance(*one) for one in zip(heard.texts, losses, _each(heard), strict=True)]


def _target(recogniser: Recogniser, speech: Speech, index: int) -> list[int]:
    """Return what the loss is of: the transcript, or the labels of frames; nothing where it is not to be had."""
    tokens = recogniser.tokens
    if not tokens.aligned_by:
        return tokens.encode_if_known(speech.text(index))
    places_T = np.arange(speech.frames(index), dtype=np.float64)
    try:
        return targets_of(speech, index, tokens, places_T, recogniser.spec.frames_stacked)
    except RowError:  # a model may be scored on speech that nobody aligned
        return []


def _in_words(recogniser: Recogniser, heard: HeardBatch) -> HeardBatch:
    """Return what was heard; of a head that writes phones, and words in a search alone, what was searched."""
    return heard._replace(texts=heard.decoded) if recogniser.head.is_aligned and heard.decoded else heard


def _each(heard: HeardBatch) -> Sequence[str | None]:
    """Return what was decoded in each utterance, None where nothing was."""
    return heard.decoded or [None] * len(heard.texts)
