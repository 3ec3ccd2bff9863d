"""The Flower ClientApp of a silo: which message is answered by what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from flwr.app import Context, Message, RecordDict
from flwr.clientapp import ClientApp
from numpy.typing import NDArray

from fedasr.common.errors import RowError
from fedasr.messages.elsewhere.consent import Consent
from fedasr.messages.kinds import (
    ALONE,
    CANDIDATE,
    EVALUATE,
    FRAME,
    GRADIENT,
    LABEL,
    POSTERIOR,
    SPEECH,
    TARGETS,
    TEACHER,
    TRAIN,
    Kind,
)
from fedasr.messages.records import array_records
from fedasr.messages.speech_reply import SpeechReply
from fedasr.messages.votes import Question, answer_record
from fedasr.silo.alone import train_alone
from fedasr.silo.bounded import bounded_reply
from fedasr.silo.client import Answer, ClientHalf
from fedasr.silo.evaluated import evaluate
from fedasr.silo.gradient import change
from fedasr.silo.heeded import as_asked, check_planned
from fedasr.silo.host import SiloHost
from fedasr.silo.silo import Silo
from fedasr.silo.targets import make_targets, stored_teacher
from fedasr.silo.teachers.teacher import train_teacher
from fedasr.silo.teachers.teacher_votes import posterior, vote_candidate, vote_frames, vote_label
from fedasr.silo.train import train
from fedasr.silo.work import Work

COVERED = frozenset({"num-examples", "uniform", "loss"})
"""What may be told of training under a guarantee: a size, which is taken as public, and a loss that is covered."""
SILO = "partition-id"
"""The key of a node's configuration that holds the silo's number; Flower's own engine sets the same."""


@dataclass(frozen=True)
class SiloApp:
    """Makes the ClientApp of a row, in whichever process the silos live.

    Parameters
    ----------
    host : SiloHost
    client : ClientHalf, optional
        The client half of the row's algorithm, where it has one.
    consent : Consent
        Which kinds of messages the silos answer.
    """

    host: SiloHost
    client: ClientHalf | None = None
    consent: Consent = field(default_factory=Consent)

    def __call__(self) -> ClientApp:
        """Return the ClientApp."""
        app = ClientApp()
        for kind, answer in answers_of(self.client).values():
            getattr(app, kind.category)(kind.action)(_handler(self, kind, answer))
        return app


def answers_of(client: ClientHalf | None) -> dict[str, tuple[Kind, Answer]]:
    """Return what each kind of message is answered by, by its name: a client half's own before fedasr's."""
    own = client.answers() if client is not None else {}
    return {kind.name: (kind, answer) for kind, answer in [*ANSWERS.items(), *own.items()]}


def _handler(row: SiloApp, kind: Kind, answer: Answer) -> Callable[[Message, Context], Message]:
    own = row.client.heeds if row.client is not None else ()

    def reply(message: Message, context: Context) -> Message:
        refusal = row.consent.refusal(message, kind)
        if refusal is not None:
            return refusal
        check_planned(kind, message.content, row.host.plan)
        host = row.host.with_training(as_asked(row.host.training, kind, message.content, own))
        silo = host.silo(int(context.node_config[SILO]))
        silo = replace(silo, teacher=stored_teacher(host, silo, context.state))
        work = Work(host, silo, kind, int(message.metadata.group_id or 0), context.state)
        host.forget_weights()
        content = answer(work, message.content)
        _check_declared(kind, content)
        if kind.trains:
            content = bounded_reply(host.plan, message.content, content)
        if host.is_guarded and not host.is_silent:  # of a silent one arrays alone leave
            _check_covered(kind, content)
        return Message(content, reply_to=message)

    return reply


def _check_declared(kind: Kind, content: RecordDict) -> None:
    """Refuse arrays that a kind of message does not say that it carries: they would leave the silo undeclared."""
    if undeclared := sorted(array_records(content).keys() - set(kind.carries)):
        raise RowError(f"a reply to '{kind.name}' holds arrays it does not declare: {', '.join(undeclared)}")


def _check_covered(kind: Kind, content: RecordDict) -> None:
    """Refuse what a reply tells of training beside its arrays, under a guarantee that does not cover it."""
    if not kind.trains or kind.unpaid:
        return
    told = {name for record in content.metric_records.values() for name in record} | set(content.config_records)
    if loose := sorted(told - COVERED):
        raise RowError(f"a reply to '{kind.name}' tells {', '.join(loose)}, and the row's guarantee does not cover it")


def _train(work: Work, content: RecordDict) -> RecordDict:
    return train(work.host, work.silo, work.request(content), work.state).to_record()


def _gradient(work: Work, content: RecordDict) -> RecordDict:
    return change(work.host, work.silo, work.request(content), work.state).to_record()


def _alone(work: Work, content: RecordDict) -> RecordDict:
    return train_alone(work.host, work.silo, work.request(content)).to_record()


def _teacher(work: Work, content: RecordDict) -> RecordDict:
    return train_teacher(work.host.in_role("teacher"), work.silo, work.request(content), work.state)


def _targets(work: Work, content: RecordDict) -> RecordDict:
    return make_targets(work.host, work.silo, content, work.state)


def _evaluate(work: Work, content: RecordDict) -> RecordDict:
    return evaluate(work.host, work.silo, content).to_record()


def _speech(work: Work, content: RecordDict) -> RecordDict:
    return SpeechReply(work.speech, work.host.augment.speeds, work.host.tokens.aligned_by).to_record()


def _vote(vote: Callable[[SiloHost, Silo, Question, RecordDict], NDArray[Any]]) -> Answer:
    def answer(work: Work, content: RecordDict) -> RecordDict:
        return answer_record(vote(work.host.in_role("teacher"), work.silo, Question.from_record(content), work.state))

    return answer


ANSWERS: dict[Kind, Answer] = {
    TRAIN: _train, GRADIENT: _gradient, ALONE: _alone, TEACHER: _teacher, TARGETS: _targets, SPEECH: _speech,
    EVALUATE: _evaluate,
    LABEL: _vote(vote_label), POSTERIOR: _vote(posterior), CANDIDATE: _vote(vote_candidate), FRAME: _vote(vote_frames),
}  # fmt: skip
"""What each kind of message is answered by where no client half says otherwise."""
