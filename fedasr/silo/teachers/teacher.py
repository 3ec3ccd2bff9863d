"""A silo's private teacher: it is trained, and it stays."""

from __future__ import annotations

from flwr.app import ArrayRecord, MetricRecord, RecordDict

from fedasr.asr.batch import Batch, make_batch
from fedasr.asr.recogniser import Recogniser, Weights
from fedasr.common.errors import RowError
from fedasr.messages.records import METRICS, array_record, arrays_of
from fedasr.messages.train_request import TrainRequest
from fedasr.messages.votes import Integers
from fedasr.runs.heard import HeardSpeech
from fedasr.runs.provenance import PROVENANCE, Provenance
from fedasr.silo.host import SiloHost
from fedasr.silo.silo import Silo
from fedasr.silo.teachers.stages import teacher_stage
from fedasr.silo.train import local_steps
from fedasr.training.taken import Taken, metered, noted

TAKEN = "taken"
"""Under this name a stage keeps the gradients that a teacher took."""
OF_A_SILO = Provenance(private=HeardSpeech(is_whole=False))
"""What a teacher has heard: speech that stays in its silo, and that nobody else can name."""
TEACHER = "teacher"
"""The record of a silo's state that holds its teacher."""


def train_teacher(host: SiloHost, silo: Silo, request: TrainRequest, state: RecordDict) -> RecordDict:
    """Train a teacher from the given model on the silo's own speech and keep it; reply that it is there.

    The reply says how many utterances the silo has, which is taken as public, and nothing that training read or found:
    no guarantee covers seconds of speech, or a loss.
    """
    state[TEACHER] = array_record(_trained(host, silo, request))
    return RecordDict({METRICS: MetricRecord({"num-examples": len(silo.speech)})})


def _trained(host: SiloHost, silo: Silo, request: TrainRequest) -> Weights:
    """Return a teacher; one that the silo kept is not trained anew, and counts as if it were."""
    stage = teacher_stage(host, silo, request)
    found = host.stages.find(silo.number, stage) if host.stages and stage else None
    if found is not None:
        arrays, about = found
        # whoever found a teacher has it by the same gradients as whoever trained it
        noted(Taken(*about[TAKEN]) if TAKEN in about else None, about["audio_seconds"])
        return {name: arrays[name] for name, _ in host.recogniser.named_parameters()}
    host.recogniser.load(request.weights)
    with metered() as meter:
        trained = local_steps(host, silo, request)
    taken, weights = meter.taken, host.recogniser.weights()
    noted(taken, trained.audio_seconds)
    if host.stages and stage:
        work = {} if taken is None else {TAKEN: [taken.private, taken.public]}
        past = {PROVENANCE: OF_A_SILO.fields(weights)}
        host.stages.keep(silo.number, stage, weights, {"audio_seconds": trained.audio_seconds, **work, **past})
    return weights


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
