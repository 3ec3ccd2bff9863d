"""A grid in one round: what a Flower strategy, which knows no rounds of a grid, is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from flwr.app import Message

from fedasr.grid.exchange import Answers, Mean
from fedasr.grid.flower.flower_face import FlowerFace


class RoundGrid(FlowerFace):
    """Sends every message in one round, and averages the replies of a cohort where that is declared.

    Replies that are pulled one by one are not averaged.

    Parameters
    ----------
    nodes : list of int
        The node of each silo, in order.
    deliver : callable
        Given messages that have their ids, how replies are averaged, and a timeout; runs one exchange.
    mean : Mean, optional
        How replies are averaged.
    """

    def __init__(
        self,
        nodes: list[int],
        deliver: Callable[[Sequence[Message], Mean | None, float | None], Answers],
        mean: Mean | None = None,
    ) -> None:
        super().__init__()
        self._nodes = nodes
        self._run = deliver
        self._mean = mean

    def get_node_ids(self) -> Iterable[int]:
        """Return the node of each silo, in order."""
        return list(self._nodes)

    def _deliver(self, messages: Sequence[Message], timeout: float | None, *, whole: bool = False) -> Iterable[Message]:
        return self._run(messages, None if whole else self._mean, timeout).replies
