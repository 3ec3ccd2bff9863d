"""What Flower asks of a grid beside sending messages and receiving replies."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from flwr.app import Message, RecordDict
from flwr.serverapp import Grid


class FlowerFace(Grid):
    """A `flwr.serverapp.Grid` of which ``get_node_ids`` and ``send_and_receive`` are left to say."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._pushed: dict[str, Message] = {}

    def set_run(self, run: Any) -> None:
        """Do nothing: a simulated grid serves one run."""

    @property
    def run(self) -> Any:
        """Not available: the grid does not belong to a run of Flower's own runtime."""
        raise NotImplementedError("a simulated grid has no Flower run")

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        """Return a message to a node."""
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Accept messages; they are delivered when their replies are pulled."""
        named = {str(next(self._numbers)): message for message in messages}
        self._pushed |= named
        return list(named)

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Deliver messages that were pushed and return the replies."""
        return self.send_and_receive([self._pushed.pop(name) for name in message_ids if name in self._pushed])
