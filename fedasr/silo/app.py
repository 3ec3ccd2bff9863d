"""The Flower ClientApp of a silo: which message is answered by what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flwr.app import Context, Message, RecordDict
from flwr.clientapp import ClientApp
from numpy.typing import NDArray

from fedasr.common.errors import RowError
from fedasr.messages.consent import Consent
from fedasr.messages.kinds import ALONE, CANDIDATE, FRAME, GRADIENT, LABEL, POSTERIOR, SPEECH, TEACHER, TRAIN, Kind
from fedasr.messages.speech_reply import SpeechReply
from fedasr.messages.train_request import TrainRequest
from fedasr.messages.votes import Question, answer_record
from fedasr.silo.alone import train_alone
from fedasr.silo.gradient import change
from fedasr.silo.host import SiloHost
from fedasr.silo.silo import Silo
from fedasr.silo.teacher import train_teacher
from fedasr.silo.teacher_votes import posterior, vote_candidate, vote_frames, vote_label
from fedasr.silo.train import train

Answer = Callable[[SiloHost, Silo, RecordDict, RecordDict], RecordDict]
"""Makes a reply's content of a message's, for a silo and what it keeps between messages."""
SILO = "partition-id"
"""The key of a node's configuration that holds the silo's number; Flower's own engine sets the same."""


@dataclass(frozen=True)
class SiloApp:
    """Makes the ClientApp of a row, in whichever process the silos live.

    Parameters
    ----------
    host : SiloHost
    consent : Consent
        Which kinds of messages the silos answer.
    """

    host: SiloHost
    consent: Consent = field(default_factory=Consent)

    def __call__(self) -> ClientApp:
        """Return the ClientApp."""
        app = ClientApp()
        for kind, answer in ANSWERS.items():
            getattr(app, kind.category)(kind.action)(_handler(self, answer))
        return app


def _handler(row: SiloApp, answer: Answer) -> Callable[[Message, Context], Message]:
    host = row.host

    def reply(message: Message, context: Context) -> Message:
        refusal = row.consent.refusal(message)
        if refusal is not None:
            return refusal
        silo = host.silo(int(context.node_config[SILO]))
        content = answer(host, silo, message.content, context.state)
        return Message(content, reply_to=message)

    return reply


def request_of(kind: Kind, content: RecordDict) -> TrainRequest:
    """Return a request to train.

    Raises
    ------
    RowError
        Where it asks for steps that its kind does not leave to it: they are what is charged and timed.
    """
    request = TrainRequest.from_record(content)
    if not (request.steps is None and request.epochs is None) and kind.steps != "request":
        raise RowError(f"a message '{kind.name}' does not say its steps; set training.local_steps")
    return request


def _train(host: SiloHost, silo: Silo, content: RecordDict, state: RecordDict) -> RecordDict:
    return train(host, silo, request_of(TRAIN, content), state).to_record()


def _gradient(host: SiloHost, silo: Silo, content: RecordDict, state: RecordDict) -> RecordDict:
    return change(host, silo, request_of(GRADIENT, content), state).to_record()


def _alone(host: SiloHost, silo: Silo, content: RecordDict, state: RecordDict) -> RecordDict:
    return train_alone(host, silo, request_of(ALONE, content)).to_record()


def _teacher(host: SiloHost, silo: Silo, content: RecordDict, state: RecordDict) -> RecordDict:
    return train_teacher(host.in_role("teacher"), silo, request_of(TEACHER, content), state)


def _speech(host: SiloHost, silo: Silo, content: RecordDict, state: RecordDict) -> RecordDict:
    return SpeechReply(silo.speech).to_record()


def _vote(vote: Callable[[SiloHost, Silo, Question, RecordDict], NDArray[Any]]) -> Answer:
    def answer(host: SiloHost, silo: Silo, content: RecordDict, state: RecordDict) -> RecordDict:
        return answer_record(vote(host.in_role("teacher"), silo, Question.from_record(content), state))

    return answer


ANSWERS: dict[Kind, Answer] = {
    TRAIN: _train, GRADIENT: _gradient, ALONE: _alone, TEACHER: _teacher, SPEECH: _speech,
    LABEL: _vote(vote_label), POSTERIOR: _vote(posterior), CANDIDATE: _vote(vote_candidate), FRAME: _vote(vote_frames),
}  # fmt: skip
"""What each kind of message is answered by."""
