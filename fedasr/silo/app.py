"""The Flower ClientApp of a silo: which message is answered by what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flwr.app import Context, Message, RecordDict
from flwr.clientapp import ClientApp
from numpy.typing import NDArray

from fedasr.messages.encoding import encode_reply
from fedasr.messages.speech_reply import SpeechReply
from fedasr.messages.train_reply import TrainReply
from fedasr.messages.train_request import TrainRequest
from fedasr.messages.votes import CANDIDATE, FRAME, LABEL, POSTERIOR, Question, answer_record
from fedasr.silo.alone import train_alone
from fedasr.silo.gradient import change
from fedasr.silo.host import SiloHost
from fedasr.silo.silo import Silo
from fedasr.silo.teacher import posterior, train_teacher, vote_candidate, vote_frames, vote_label
from fedasr.silo.train import train

Answer = Callable[[SiloHost, Silo, Question, RecordDict], NDArray[Any]]
SILO = "partition-id"
"""The key of a node's configuration that holds the silo's number; Flower's own engine sets the same."""


@dataclass(frozen=True)
class SiloApp:
    """Makes the ClientApp of a row, in whichever process the silos live."""

    host: SiloHost

    def __call__(self) -> ClientApp:
        """Return the ClientApp."""
        return make_app(self.host)


VOTES: dict[str, Answer] = {
    LABEL: vote_label, POSTERIOR: posterior, CANDIDATE: vote_candidate, FRAME: vote_frames,
}  # fmt: skip
"""What each kind of question is answered by."""


def _answering(
    host: SiloHost, answer: Answer, silo_of: Callable[[Context], Silo]
) -> Callable[[Message, Context], Message]:
    """Return the handler of one kind of question."""

    def reply(message: Message, context: Context) -> Message:
        found = answer(host, silo_of(context), Question.from_record(message.content), context.state)
        return Message(answer_record(found), reply_to=message)

    return reply


def make_app(host: SiloHost) -> ClientApp:
    """Return a ClientApp that answers for the silos of a host."""
    app = ClientApp()

    def _coded(message: Message, reply: TrainReply, context: Context) -> Message:
        content = reply.to_record()
        encode_reply(content, message.content, host.codec, context.state)
        return Message(content, reply_to=message)

    def silo_of(context: Context) -> Silo:
        return host.silo(int(context.node_config[SILO]))

    @app.train()
    def _train(message: Message, context: Context) -> Message:
        request = TrainRequest.from_record(message.content)
        return _coded(message, train(host, silo_of(context), request, context.state), context)

    @app.train("gradient")
    def _gradient(message: Message, context: Context) -> Message:
        request = TrainRequest.from_record(message.content)
        return _coded(message, change(host, silo_of(context), request, context.state), context)

    @app.train("alone")
    def _train_alone(message: Message, context: Context) -> Message:
        steps = int(message.content.config_records["config"]["steps"])  # type: ignore[arg-type]
        request = TrainRequest.from_record(message.content)
        reply = train_alone(host, silo_of(context), request, steps)
        return Message(reply.to_record(), reply_to=message)

    @app.train("teacher")
    def _train_teacher(message: Message, context: Context) -> Message:
        steps = int(message.content.config_records["config"]["steps"])  # type: ignore[arg-type]
        request = TrainRequest.from_record(message.content)
        return Message(train_teacher(host, silo_of(context), request, steps, context.state), reply_to=message)

    for kind, answer in VOTES.items():
        app.query(kind.split(".")[1])(_answering(host, answer, silo_of))

    @app.query("speech")
    def _speech(message: Message, context: Context) -> Message:
        return Message(SpeechReply(silo_of(context).speech).to_record(), reply_to=message)

    return app
