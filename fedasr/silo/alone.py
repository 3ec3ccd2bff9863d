"""What a silo does on its own: train, keep the model, and be scored on the test speakers."""

from __future__ import annotations

import math
from dataclasses import astuple

from fedasr.asr.recogniser import digest
from fedasr.messages.alone_reply import AloneReply
from fedasr.messages.train_request import TrainRequest
from fedasr.silo.host import SiloHost
from fedasr.silo.scored import scored
from fedasr.silo.silo import Silo
from fedasr.silo.train import local_steps


def train_alone(host: SiloHost, silo: Silo, request: TrainRequest) -> AloneReply:
    """Train from the given model on the silo's own speech only, and score the result."""
    host.recogniser.load(request.weights)
    trained = local_steps(host, silo, request)
    found = scored(host.recogniser, host.test_speech, with_losses=False)
    errors = tuple(tuple(astuple(count)) for count in found.errors.values())
    loss = math.nan if trained.loss is None else trained.loss
    return AloneReply(len(silo.speech), loss, digest(host.recogniser.weights()), errors, trained.audio_seconds)
