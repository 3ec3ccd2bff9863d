"""The Flower ClientApp of a silo: which message is answered by what."""

from __future__ import annotations

from dataclasses import dataclass

from flwr.app import Context, Message
from flwr.clientapp import ClientApp

from fedasr.coding import encode_reply
from fedasr.messages import SpeechReply, TrainReply, TrainRequest
from fedasr.silo.alone import train_alone
from fedasr.silo.gradient import change
from fedasr.silo.host import Silo, SiloHost
from fedasr.silo.train import train

SILO = "partition-id"
"""The key of a node's configuration that holds the silo's number; Flower's own engine sets the same."""


@dataclass(frozen=True)
class SiloApp:
    """Makes the ClientApp of a row, in whichever process the silos live."""

    host: SiloHost

    def __call__(self) -> ClientApp:
        """Return the ClientApp."""
        return make_app(self.host)


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

    @app.query("speech")
    def _speech(message: Message, context: Context) -> Message:
        return Message(SpeechReply(silo_of(context).speech).to_record(), reply_to=message)

    return app
