"""The one adapter to Flower's insides: the identity of a process, nodes, and the names of messages."""

from __future__ import annotations

import time
from copy import copy
from uuid import uuid4

from flwr.app import Error, Message, Metadata
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity

SERVER_NODE = 1
"""The node number of the server; silo n is node n + 2."""
CLIENT_APP_FAILED, MESSAGE_UNAVAILABLE, NODE_UNAVAILABLE = 2, 3, 5
"""Flower's error codes: a ClientApp raised an exception, there is no such message, there is no such node."""
SYSTEM = "system"
"""The type of messages that Flower's own link makes."""


def identify() -> None:
    """Give this process the identity without which Flower makes no message, unless Flower's runtime gave one."""
    try:
        _ = TaskIdentity.node_id
    except RuntimeError:
        TaskIdentity.task_id = 0
        TaskIdentity.run_id = 0
        TaskIdentity.node_id = SERVER_NODE


def run_of_process() -> Run:
    """Return what Flower calls a run: this process knows its number alone, 0 outside Flower's runtime."""
    return Run.create_empty(TaskIdentity.run_id)


def node_of(silo: int) -> int:
    """Return the node number of a silo."""
    return silo + SERVER_NODE + 1


def silo_of(node: int) -> int:
    """Return the silo of a node number."""
    return node - SERVER_NODE - 1


def named(message: Message) -> Message:
    """Return a message as Flower's own link takes it up: under an id of its own, which the original is told as well.

    A message that is sent twice is two messages; what its sender does to the original afterwards changes neither.
    """
    message.metadata.__dict__["_message_id"] = name = uuid4().hex
    sent, metadata = copy(message), copy(message.metadata)
    metadata.__dict__["_message_id"] = name
    sent.__dict__["_metadata"] = metadata
    return sent


def error_reply(message: Message, reason: str, code: int = CLIENT_APP_FAILED) -> Message:
    """Return a reply that says why there is none."""
    return Message(Error(code=code, reason=reason), reply_to=message)


def unknown_reply(message_id: str) -> Message:
    """Return what Flower's own link says of an id under which nothing was sent."""
    own = TaskIdentity.node_id
    metadata = Metadata(TaskIdentity.run_id, uuid4().hex, own, own, message_id, "", time.time(), 0.0, SYSTEM)
    error = Error(MESSAGE_UNAVAILABLE, "no message was sent under this id")
    reply: Message = Message(error=error, metadata=metadata)  # type: ignore[call-overload]
    return reply
