"""What a model does on some speech: the same for one that was sent to a silo and for one of the silo's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fedasr.asr.batch import make_batch
from fedasr.asr.decoding.greedy import decoding_batches, in_order
from fedasr.asr.recogniser import Recogniser
from fedasr.asr.word_errors import ErrorCounts, by_speaker, count_errors, total
from fedasr.corpora.speech import Speech
from fedasr.training.losses import mean_of_known

UNKNOWN = [1]
"""Stands in a batch for a transcript that has no tokens; its loss is nobody's."""


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
    """

    errors: Mapping[str, ErrorCounts]
    losses: tuple[float | None, ...]

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


def scored(recogniser: Recogniser, speech: Speech, with_losses: bool = True) -> Scored:
    """Score the weights that a recogniser holds on some speech, in batches that depend on the speech alone."""
    batches = decoding_batches([speech.frames(index) for index in range(len(speech))])
    heard = in_order(batches, [heard_batch(recogniser, speech, batch, with_losses) for batch in batches])
    counts = [count_errors(speech.text(index), text) for index, (text, _) in enumerate(heard)]
    errors = by_speaker([utterance.speaker for utterance in speech.utterances], counts)
    return Scored(errors, tuple(loss for _, loss in heard))


def heard_batch(
    recogniser: Recogniser, speech: Speech, indices: Sequence[int], with_losses: bool
) -> list[tuple[str, float | None]]:
    """Return what is heard in each utterance of one batch, and the loss of its transcript; see `Scored`."""
    features = [speech.features(index) for index in indices]
    if not with_losses:
        return [(text, None) for text in recogniser.transcribe(make_batch(features))]
    targets = [recogniser.tokens.encode_if_known(speech.text(index)) for index in indices]
    batch = make_batch(features, [target or UNKNOWN for target in targets])
    texts, losses = recogniser.hear(batch, with_losses=True)
    has_loss = [bool(target) and fits for target, fits in zip(targets, recogniser.fits(batch).tolist(), strict=True)]
    return [(t, loss if known else None) for t, loss, known in zip(texts, losses, has_loss, strict=True)]
