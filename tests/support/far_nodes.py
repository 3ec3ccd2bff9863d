"""Nodes in processes of their own, as Flower's runtime has them, without the processes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from flwr.app import Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp

from fedasr.grid.flower.flower_grid import silo_record
from fedasr.grid.flower.identity import identify
from fedasr.messages.kinds import SILO_NUMBER, kind_of
from fedasr.silo.elsewhere import answer_elsewhere
from fedasr.wire.codec import Codec

from .keepers import Keeper
from .wires import Wires, travelled

FIRST = 70
"""The node of silo 0."""


@dataclass
class Nodes(Wires):
    """Nodes in processes of their own: everything travels as bytes, and each keeps its own context."""

    silos: int
    codec: Codec
    lost: set[int] = field(default_factory=set)
    """Silos that the next messages do not reach."""
    late: set[int] = field(default_factory=set)
    """Silos whose next replies come when nobody waits any more."""
    doubled: set[int] = field(default_factory=set)
    """Silos that the next messages reach twice."""

    def __post_init__(self) -> None:
        identify()
        self.app: ClientApp = Keeper()()
        self.contexts = {n + FIRST: Context(0, n + FIRST, {"silo": n}, RecordDict(), {}) for n in range(self.silos)}

    def get_node_ids(self) -> Iterable[int]:
        return list(self.contexts)

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        asked = [m for m in messages if m.metadata.dst_node_id - FIRST not in self.lost]
        for message in [m for m in asked if m.metadata.dst_node_id - FIRST in self.doubled]:
            self._reply(message)
        replies = [self._reply(message) for message in asked]
        return [reply for reply in replies if reply.metadata.src_node_id - FIRST not in self.late]

    def _reply(self, message: Message) -> Message:
        node, kind = message.metadata.dst_node_id, message.metadata.message_type
        if kind == SILO_NUMBER.name:
            return Message(silo_record(node - FIRST), reply_to=message)
        context = self.contexts[node]
        copy = Message(travelled(message.content), node, kind)
        try:
            reply = answer_elsewhere(self.app, kind_of(kind), self.codec, copy, context)
        except Exception as failure:
            return Message(Error(2, str(failure)), reply_to=message)
        finally:
            context.state = travelled(context.state)
        if reply.has_error():
            return Message(reply.error, reply_to=message)
        return Message(travelled(reply.content), reply_to=message)
