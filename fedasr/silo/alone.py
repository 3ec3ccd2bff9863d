"""What a silo does on its own: train, keep the model, and be scored on the test speakers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, replace

from fedasr.asr.recogniser import digest
from fedasr.asr.word_errors import ErrorCounts
from fedasr.corpora.speech import Speech
from fedasr.messages.alone_reply import AloneReply, Counts
from fedasr.messages.train_request import TrainRequest
from fedasr.silo.host import SiloHost
from fedasr.silo.scored import scored
from fedasr.silo.silo import Silo
from fedasr.silo.train import local_steps, told_heard
from fedasr.training.iterates import IterateMean


def train_alone(host: SiloHost, silo: Silo, request: TrainRequest) -> AloneReply:
    """Train from the given model on the silo's own speech only, and score the mean of the last third of its steps."""
    host.recogniser.load(request.weights)
    iterates = IterateMean() if host.averages else None
    trained = local_steps(host, silo, request, iterates=iterates)
    if iterates is not None and iterates.count:
        host.recogniser.load(iterates.weights())
    loss = math.nan if trained.loss is None else trained.loss
    heard = told_heard(host, trained.audio_seconds)
    return replace(own_scores(host, silo), utterances=len(silo.speech), loss=loss, audio_seconds=heard)


DECODED_BY = 8
"""How many of the silos' own models decode each test utterance: a search costs twenty times what greedy does."""


def own_scores(host: SiloHost, silo: Silo) -> AloneReply:
    """Score the loaded weights as a model of the silo's own: on the test speakers, and on what the silo holds out.

    What the silo holds out is decoded whole, of the test speakers' speech this silo's share (`decoded_share`), and of
    the same with noise, where there is any.
    """
    recogniser, test = host.recogniser, host.test_speech
    noisy = host.noisy_test_speech
    tested = scored(recogniser, test, with_losses=False)
    heard = scored(recogniser, noisy, with_losses=False)
    own = scored(recogniser, host.own_scored(silo), with_losses=False, decoder=host.decoder)
    return AloneReply(
        0, math.nan, digest(recogniser.weights()), _counts(tested.errors), held_out=_counts(own.errors),
        decoded=_counts(_decoded(host, silo, test)), held_out_decoded=_counts(own.decoded),
        noisy=_counts(heard.errors), noisy_decoded=_counts(_decoded(host, silo, noisy)),
    )  # fmt: skip


def _decoded(host: SiloHost, silo: Silo, test: Speech) -> Mapping[str, ErrorCounts]:
    """Return the errors of what is decoded in the silo's share of the test speech; of others' speech there are none."""
    if host.decoder is None:
        return {}
    share = decoded_share(len(test), silo.number, len(host.partition.silos))
    part = test.at(share)
    errors = scored(host.recogniser, part, with_losses=False, decoder=host.decoder).decoded
    return {speaker: errors.get(speaker, ErrorCounts()) for speaker in test.speakers}


def decoded_share(utterances: int, silo: int, silos: int) -> range:
    """Return which test utterances a silo's own model decodes: every k-th, so that each is decoded by 8 silos or more.

    With fewer than 16 silos that is all of them. Silos take turns, so all say equally much, and on every speaker.
    """
    stride = max(1, silos // DECODED_BY)
    return range(silo % stride, utterances, stride)


def _counts(errors: Mapping[str, ErrorCounts]) -> Counts:
    return tuple(tuple(astuple(count)) for count in errors.values())
