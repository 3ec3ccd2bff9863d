"""Flower nodes in this process: fedasr's ClientApp, each node with its own configuration and state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flwr.app import Context, Message, RecordDict

from fedasr.flower_app import client
from fedasr.grid.flower.flower_face import FlowerFace
from fedasr.grid.flower.identity import identify


class NodesHere(FlowerFace):
    """What Flower gives a ServerApp: nodes with ids that say nothing, replies in any order.

    Parameters
    ----------
    configs : sequence of mapping
        The configuration of each node.
    run_config : mapping
        Of the run.
    """

    def __init__(self, configs: Sequence[Mapping[str, Any]], run_config: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        identify()
        nodes = {9000 - 7 * number: config for number, config in enumerate(configs)}
        self.contexts = {
            node: Context(0, node, dict(config), RecordDict(), dict(run_config or {})) for node, config in nodes.items()
        }
        self.asked: list[tuple[int, str]] = []
        self.told: list[tuple[str, set[str]]] = []
        """Of each reply the kind, and the names of all that it says beside its arrays."""

    def get_node_ids(self) -> Iterable[int]:
        return list(self.contexts)

    def _deliver(self, messages: Sequence[Message], timeout: float | None, *, whole: bool = False) -> Iterable[Message]:
        replies = []
        for message in messages:
            node = message.metadata.dst_node_id
            self.asked.append((node, message.metadata.message_type))
            replies.append(client(message, self.contexts[node]))
            self.told.append((message.metadata.message_type, _beside_arrays(replies[-1])))
        return replies[::-1]


def _beside_arrays(reply: Message) -> set[str]:
    if not reply.has_content():
        return {reply.error.reason}
    records = [*reply.content.metric_records.values(), *reply.content.config_records.values()]
    return {name for record in records for name in record}
