"""A silo's private teacher: it is trained, and it stays."""

from __future__ import annotations

from flwr.app import ArrayRecord, MetricRecord, RecordDict

from fedasr.asr.batch import Batch, make_batch
from fedasr.asr.recogniser import Recogniser, Weights
from fedasr.common.errors import RowError
from fedasr.messages.records import METRICS, array_record, arrays_of
from fedasr.messages.train_request import TrainRequest
from fedasr.messages.votes import Integers
from fedasr.silo.host import SiloHost
from fedasr.silo.silo import Silo
from fedasr.silo.teachers.stages import teacher_stage
from fedasr.silo.train import local_steps
from fedasr.training.taken import Taken, metered, noted

TAKEN = "taken"
"""Under this name a stage keeps the gradients that a teacher took."""
TEACHER = "teacher"
"""The record of a silo's state that holds its teacher."""


def train_teacher(host: SiloHost, silo: Silo, request: TrainRequest, state: RecordDict) -> RecordDict:
    """Train a teacher from the given model on the silo's own speech and keep it; reply that it is there.

    The reply says how much speech the silo has and read, which a strategy may use as public numbers, and nothing
    that training found: no guarantee covers a loss.
    """
    weights, audio_seconds = _trained(host, silo, request)
    state[TEACHER] = array_record(weights)
    metrics = MetricRecord({"num-examples": len(silo.speech), "audio-seconds": audio_seconds})
    return RecordDict({METRICS: metrics})


def _trained(host: SiloHost, silo: Silo, request: TrainRequest) -> tuple[Weights, float]:
    """Return a teacher and the seconds of speech that it was trained on; one that the silo kept is not trained anew."""
    stage = teacher_stage(host, silo, request)
    found = host.stages.find(silo.number, stage) if host.stages and stage else None
    if found is not None:
        arrays, about = found
        if TAKEN in about:  # whoever found a teacher has it by the same gradients as whoever trained it
            noted(Taken(*about[TAKEN]))
        return {name: arrays[name] for name, _ in host.recogniser.named_parameters()}, about["audio_seconds"]
    host.recogniser.load(request.weights)
    with metered() as meter:
        trained = local_steps(host, silo, request)
    if (taken := meter.taken) is not None:
        noted(taken)
    weights = host.recogniser.weights()
    if host.stages and stage:
        work = {} if taken is None else {TAKEN: [taken.private, taken.public]}
        host.stages.keep(silo.number, stage, weights, {"audio_seconds": trained.audio_seconds, **work})
    return weights, trained.audio_seconds


def teacher(host: SiloHost, state: RecordDict) -> Recogniser:
    """Return the host's recogniser with the weights of a silo's teacher."""
    record = state.get(TEACHER)
    if not isinstance(record, ArrayRecord):
        raise RowError("this silo was asked for a vote before it trained a teacher")
    host.recogniser.load(arrays_of(record))
    return host.recogniser


def question_batch(host: SiloHost, utterances: Integers) -> Batch:
    """Return the public utterances of a question as they are, without transcripts."""
    speech, stacked = host.public_speech, host.recogniser_spec.frames_stacked
    return make_batch([speech.features(index) for index in utterances.tolist()], stacked=stacked)
