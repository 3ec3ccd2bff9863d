"""A grid in one round: what a Flower strategy, which knows no rounds of a grid, is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flwr.app import Message

from fedasr.grid.exchange import Answers
from fedasr.grid.flower_face import FlowerFace


class RoundGrid(FlowerFace):
    """Sends every message in one round, and averages the replies of a cohort where that is declared.

    Parameters
    ----------
    nodes : list of int
        The node of each silo, in order.
    deliver : callable
        Given messages and a timeout; runs one exchange.
    """

    def __init__(self, nodes: list[int], deliver: Callable[[Iterable[Message], float | None], Answers]) -> None:
        super().__init__()
        self._nodes = nodes
        self._deliver = deliver

    def get_node_ids(self) -> Iterable[int]:
        """Return the node of each silo, in order."""
        return list(self._nodes)

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        """Deliver messages and return their replies in the order of the silos."""
        return list(self._deliver(messages, timeout).replies)
