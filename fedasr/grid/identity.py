"""The one adapter to Flower's insides: the identity of a process, nodes, and the names of messages."""

from __future__ import annotations

from flwr.app import Error, Message
from flwr.supercore.task_identity import TaskIdentity

SERVER_NODE = 1
"""The node number of the server; silo n is node n + 2."""


def identify() -> None:
    """Give this process the identity without which Flower makes no message, unless Flower's runtime gave one."""
    try:
        _ = TaskIdentity.node_id
    except RuntimeError:
        TaskIdentity.task_id = 0
        TaskIdentity.run_id = 0
        TaskIdentity.node_id = SERVER_NODE


def node_of(silo: int) -> int:
    """Return the node number of a silo."""
    return silo + SERVER_NODE + 1


def silo_of(node: int) -> int:
    """Return the silo of a node number."""
    return node - SERVER_NODE - 1


def name_message(message: Message, name: str) -> None:
    """Give a message the id that Flower's own link would give it, unless it has one."""
    if not message.metadata.message_id:
        message.metadata.__dict__["_message_id"] = name


def error_reply(message: Message, reason: str) -> Message:
    """Return a reply that says why there is none."""
    return Message(Error(code=CLIENT_APP_FAILED, reason=reason), reply_to=message)


CLIENT_APP_FAILED = 2
"""Flower's error code for a ClientApp that raised an exception."""
