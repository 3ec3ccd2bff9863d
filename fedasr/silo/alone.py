"""What a silo does on its own: train, keep the model, and be scored on the test speakers."""

from __future__ import annotations

import math
from dataclasses import astuple

from fedasr.asr.decoding.greedy import transcribe_all
from fedasr.asr.recogniser import Recogniser, digest
from fedasr.asr.word_errors import ErrorCounts, by_speaker, count_errors
from fedasr.corpora.speech import Speech
from fedasr.messages.alone_reply import AloneReply
from fedasr.messages.train_request import TrainRequest
from fedasr.silo.host import SiloHost
from fedasr.silo.silo import Silo
from fedasr.silo.train import local_steps


def train_alone(host: SiloHost, silo: Silo, request: TrainRequest) -> AloneReply:
    """Train from the given model on the silo's own speech only, and score the result."""
    host.recogniser.load(request.weights)
    trained = local_steps(host, silo, request)
    errors = tuple(tuple(astuple(count)) for count in score(host.recogniser, host.test_speech).values())
    loss = math.nan if trained.loss is None else trained.loss
    return AloneReply(len(silo.speech), loss, digest(host.recogniser.weights()), errors, trained.audio_seconds)


def score(recogniser: Recogniser, speech: Speech) -> dict[str, ErrorCounts]:
    """Return the errors on each speaker of some speech."""
    heard = transcribe_all(recogniser, speech.features, [speech.frames(index) for index in range(len(speech))])
    counts = [count_errors(speech.text(index), text) for index, text in enumerate(heard)]
    return by_speaker([utterance.speaker for utterance in speech.utterances], counts)
