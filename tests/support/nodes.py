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

    def get_node_ids(self) -> Iterable[int]:
        return list(self.contexts)

    def _deliver(self, messages: Sequence[Message], timeout: float | None, *, whole: bool = False) -> Iterable[Message]:
        replies = []
        for message in messages:
            node = message.metadata.dst_node_id
            self.asked.append((node, message.metadata.message_type))
            replies.append(client(message, self.contexts[node]))
        return replies[::-1]
