"""What a silo does on its own: train, keep the model, and be scored on the test speakers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, replace

from fedasr.asr.recogniser import digest
from fedasr.asr.word_errors import ErrorCounts
from fedasr.messages.alone_reply import AloneReply, Counts
from fedasr.messages.train_request import TrainRequest
from fedasr.silo.host import SiloHost
from fedasr.silo.scored import scored
from fedasr.silo.silo import Silo
from fedasr.silo.train import local_steps
from fedasr.training.iterates import IterateMean


def train_alone(host: SiloHost, silo: Silo, request: TrainRequest) -> AloneReply:
    """Train from the given model on the silo's own speech only, and score the mean of the last third of its steps."""
    host.recogniser.load(request.weights)
    iterates = IterateMean() if host.averages else None
    trained = local_steps(host, silo, request, iterates=iterates)
    if iterates is not None and iterates.count:
        host.recogniser.load(iterates.weights())
    loss = math.nan if trained.loss is None else trained.loss
    return replace(own_scores(host, silo), utterances=len(silo.speech), loss=loss, audio_seconds=trained.audio_seconds)


def own_scores(host: SiloHost, silo: Silo) -> AloneReply:
    """Score the loaded weights as a model of the silo's own: on the test speakers, and on what the silo holds out."""
    recogniser = host.recogniser
    tested, own = (
        scored(recogniser, speech, with_losses=False, decoder=host.decoder)
        for speech in (host.test_speech, host.own_scored(silo))
    )
    return AloneReply(
        0, math.nan, digest(recogniser.weights()), _counts(tested.errors), held_out=_counts(own.errors),
        decoded=_counts(tested.decoded), held_out_decoded=_counts(own.decoded),
    )  # fmt: skip


def _counts(errors: Mapping[str, ErrorCounts]) -> Counts:
    return tuple(tuple(astuple(count)) for count in errors.values())
