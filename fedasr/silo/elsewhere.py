"""A silo in a process of its own, whose server is elsewhere: it answers, and cannot see what became of its replies."""

from __future__ import annotations

from dataclasses import replace

from flwr.app import Context, Message
from flwr.clientapp import ClientApp

from fedasr.messages.coded.encoding import encode_reply
from fedasr.messages.coded.residuals import model_of
from fedasr.messages.elsewhere.receipt import taken_receipt
from fedasr.messages.kinds import Kind
from fedasr.messages.records import own_copy
from fedasr.silo.journal import closed, opened
from fedasr.wire.codec import Codec


def answer_elsewhere(app: ClientApp, kind: Kind, codec: Codec, message: Message, context: Context) -> Message:
    """Return an app's reply as it travels, and keep what the app kept.

    Where the app or the codec fails nothing changes. A reply that the server does not accept is undone when the next
    message says so.

    Parameters
    ----------
    app : ClientApp
    kind : Kind
        Of the message.
    codec : Codec
        What arrays of replies travel as, where their kind says so.
    message : Message
        Its receipt is taken off.
    context : Context
        That of the node; its state is replaced.
    """
    receipt = taken_receipt(message.content)
    before, sent = opened(context.state, receipt), own_copy(message.content)
    own = replace(context, state=own_copy(before))
    reply = app(message, own)
    if reply.has_error():
        return reply
    if kind.coded:
        model = model_of(kind.name, sent, receipt.place if receipt else 0)
        encode_reply(reply.content, sent, codec, own.state, model)
    context.state = closed(before, own.state, receipt)
    return reply
