"""What stands where Flower's own grid would: contents travel as bytes, and only `send_and_receive` is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flwr.app import Message, RecordDict
from flwr.common.serde import recorddict_from_proto, recorddict_to_proto
from flwr.serverapp import Grid


class Wires(Grid):
    """A grid of Flower's of which ``get_node_ids`` and ``send_and_receive`` are left to say."""

    def set_run(self, run: Any) -> None: ...
    @property
    def run(self) -> Any: ...
    def create_message(self, *arguments: Any, **others: Any) -> Any: ...
    def push_messages(self, messages: Iterable[Message]) -> Any: ...
    def pull_messages(self, message_ids: Iterable[str]) -> Any: ...


def travelled(content: RecordDict) -> RecordDict:
    """Return what Flower's transport makes of it."""
    return recorddict_from_proto(recorddict_to_proto(content))
