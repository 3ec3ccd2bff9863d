"""What a silo does on its own: train, keep the model, and be scored on the test speakers."""

from __future__ import annotations

from dataclasses import astuple

from fedasr.asr.decoding.greedy import decoding_batches, transcribe_batch
from fedasr.asr.recogniser import Recogniser, digest
from fedasr.asr.word_errors import ErrorCounts, by_speaker, count_errors
from fedasr.corpora.speech import Speech
from fedasr.messages.alone_reply import AloneReply
from fedasr.messages.train_request import TrainRequest
from fedasr.silo.host import SiloHost
from fedasr.silo.silo import Silo
from fedasr.silo.train import local_steps


def train_alone(host: SiloHost, silo: Silo, request: TrainRequest, steps: int) -> AloneReply:
    """Train from the given model on the silo's own speech only, and score the result."""
    host.recogniser.load(request.weights)
    trained = local_steps(host, silo, request, steps)
    errors = tuple(tuple(astuple(count)) for count in score(host.recogniser, host.test_speech).values())
    return AloneReply(len(silo.speech), trained.loss, digest(host.recogniser.weights()), errors, trained.audio_seconds)


def score(recogniser: Recogniser, speech: Speech) -> dict[str, ErrorCounts]:
    """Return the errors on each speaker of some speech."""
    speakers, counts = [], []
    for indices in decoding_batches([speech.frames(index) for index in range(len(speech))]):
        heard = transcribe_batch(recogniser, speech.features, indices)
        speakers += [speech.utterances[index].speaker for index in indices]
        counts += [count_errors(speech.text(i), text) for i, text in zip(indices, heard, strict=True)]
    return by_speaker(speakers, counts)
