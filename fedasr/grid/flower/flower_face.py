"""What Flower asks of a grid, in terms of the one thing that ours can do: deliver messages and return the replies."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

from flwr.app import Message, RecordDict
from flwr.serverapp import Grid

from fedasr.grid.flower.identity import named, run_of_process, unknown_reply
from fedasr.messages.records import own_copy


class FlowerFace(Grid):
    """A `flwr.serverapp.Grid` of which ``get_node_ids`` and `_deliver` are left to say."""

    def __init__(self) -> None:
        self._pushed: dict[str, Message] = {}
        self._pulled: set[str] = set()

    @abstractmethod
    def _deliver(self, messages: Sequence[Message], timeout: float | None, *, whole: bool = False) -> Iterable[Message]:
        """Deliver messages that have their ids; `whole` leaves each its own reply, whatever the grid averages."""

    def set_run(self, run: Any) -> None:
        """Do nothing: a simulated grid serves one run."""

    @property
    def run(self) -> Any:
        """The run of Flower's runtime, or one without an application that stands for it in a simulation."""
        return run_of_process()

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        """Return a message to a node."""
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Accept messages as they are now, and return the ids that their replies will answer, in the same order.

        They are delivered when their replies are pulled.
        """
        frozen: dict[int, RecordDict] = {}
        pushed = [named(message) for message in messages]
        for message in pushed:
            if message.has_content():  # one content that goes to many is kept once
                content = message.content
                message.__dict__["_content"] = frozen.setdefault(id(content), own_copy(content))
        self._pushed |= {message.metadata.message_id: message for message in pushed}
        return [message.metadata.message_id for message in pushed]

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Deliver messages that were pushed, and return the reply or the error of each.

        Each is returned once. An id under which nothing was pushed is answered by an error, as Flower's own link does.
        """
        asked = dict.fromkeys(message_ids)  # often a set, whose order differs from run to run: that of pushing counts
        found = [self._pushed.pop(name) for name in list(self._pushed) if name in asked]
        names = {message.metadata.message_id for message in found}
        unknown = [unknown_reply(name) for name in asked if name not in names and name not in self._pulled]
        self._pulled |= names
        return [*self._deliver(found, None, whole=True), *unknown]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        """Deliver messages and return their replies in the order of the silos; errors come last.

        Parameters
        ----------
        messages : iterable of Message
        timeout : float, optional
            Seconds that a silo has for one message, from when its work begins; one that has not replied by then is
            answered for by an error. Zero or less leaves nobody any time.
        """
        return list(self._deliver([named(message) for message in messages], timeout))
